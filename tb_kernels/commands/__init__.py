"""The subcommands of `tb-kernels`, a module each, imported when it is called."""

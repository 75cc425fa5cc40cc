"""`python -m tb_kernels` is the command `tb-kernels`."""

import sys

from tb_kernels.cli import main

sys.exit(main())

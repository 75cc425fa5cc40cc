"""`index.html`: the report on one page that needs nothing beside it.

The page is written while it is made, so its size does not matter here; but a browser has
to hold it, so of a very large log it shows a part, and says which.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader

from tb_kernels.report.job import Job
from tb_kernels.report.sections import runs_of
from tb_kernels.wording import count, shown

PAGE = "index.html"


def write_page(job: Job) -> None:
    """Writes the page, a layer at a time."""
    environment = Environment(
        # Names in a log are anybody's: all text is escaped.
        loader=PackageLoader("tb_kernels.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chunks = environment.get_template(PAGE).generate(
        title=shown(job.log.where), told=count(len(job.log), "picture"), runs=runs_of(job)
    )
    encoded = (chunk.encode(errors="replace") for chunk in chunks)
    job.folder.files.fill(PAGE, lambda stream: stream.writelines(encoded))

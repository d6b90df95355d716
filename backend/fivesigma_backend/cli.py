"""`fivesigma-server`: each command is one service call in one transaction.

The commands stand in `commands/`, grouped by what they are about. Those modules import click only
and fetch the rest when a command runs, so that help and mistakes are answered at once.
"""

from __future__ import annotations

import click

from .commands import contests, keeping, people, rescoring, running
from .commands.base import Group


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fivesigma", message="%(version)s")
def main() -> None:
    """Run and keep a Fivesigma site.

    Settings are environment variables FIVESIGMA_…; the README lists them. The data folder is
    --data-dir, else FIVESIGMA_DATA_DIR, else ./fivesigma-data.
    """


for _module in (running, keeping, people, contests, rescoring):
    for _command in _module.COMMANDS:
        main.add_command(_command)

if __name__ == "__main__":
    main()

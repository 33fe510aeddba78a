"""`coderouter completion`."""

import click
from click.shell_completion import get_completion_class

from coderouter_http.product import ALIAS, COMMAND, other_product

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print what makes SHELL complete the commands and options of both programs.

    \b
    bash: eval "$(coderouter completion bash)" in ~/.bashrc
    zsh:  eval "$(coderouter completion zsh)" in ~/.zshrc, after compinit
    fish: coderouter completion fish | source in ~/.config/fish/config.fish
    """
    completes = get_completion_class(shell)
    assert completes is not None
    root = click.get_current_context().find_root().command
    ours = [] if other_product() else [COMMAND]  # completing runs the command
    for program in [*ours, ALIAS, "cr-exporter"]:
        variable = f"_{program}_COMPLETE".replace("-", "_").upper()
        click.echo(completes(root, {}, program, variable).source())

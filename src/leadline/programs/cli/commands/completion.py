"""``leadline completion``: the script that a shell runs to complete at the TAB key."""

import click
from click.shell_completion import ShellComplete, get_completion_class

EPILOG = """
\b
  bash   leadline completion bash > ~/.local/share/bash-completion/completions/leadline
  zsh    leadline completion zsh > ~/.zfunc/_leadline      and in .zshrc: fpath+=~/.zfunc; compinit
  fish   leadline completion fish > ~/.config/fish/completions/leadline.fish

Commands, flags, controls, frameworks, formats, severities and files are completed.
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Prints the script that lets SHELL complete what follows leadline."""
    kind = get_completion_class(shell)
    assert kind is not None
    top = click.get_current_context().find_root().command
    script = kind(top, {}, "leadline", "_LEADLINE_COMPLETE")
    # That of bash itself starts a bash to ask for its version; that of fish cuts a list off at its first comma.
    text = ShellComplete.source(script)
    click.echo(text.replace('string split ","', 'string split -m 1 ","'))
    return 0

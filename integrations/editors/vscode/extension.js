// Starts the server and shows its log. Everything that is said about a file comes from there.
const { commands, window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const INSTALL = "pipx install 'leadline[editor,render]'";
let client;
let output;

async function start() {
  const [command, ...args] = workspace.getConfiguration("leadline").get("command");
  const served = new LanguageClient(
    "leadline",
    "Leadline",
    { command, args },
    {
      documentSelector: ["yaml", "json", "jsonc", "helm", "dockerfile"].map((language) => ({ scheme: "file", language })),
      initializationOptions: { trusted: workspace.isTrusted },
      outputChannel: output,
    },
  );
  try {
    await served.start();
    client = served;
  } catch (error) {
    await notStarted(command, error);
  }
}

async function notStarted(command, error) {
  output.appendLine(`${command} did not start: ${error.message}`);
  const install = "Install in a terminal";
  const log = "Show the log";
  const chosen = await window.showErrorMessage(
    `Leadline: ${command} did not start. It is a Python program; ${INSTALL} brings it.`,
    install,
    log,
  );
  if (chosen === install) {
    const terminal = window.createTerminal("Leadline");
    terminal.show();
    // Written and not sent: the user reads it first.
    terminal.sendText(INSTALL, false);
  } else if (chosen === log) {
    output.show();
  }
}

async function restart() {
  await client?.stop();
  client = undefined;
  await start();
}

exports.activate = async (context) => {
  output = window.createOutputChannel("Leadline");
  context.subscriptions.push(
    output,
    commands.registerCommand("leadline.restart", restart),
    commands.registerCommand("leadline.showLog", () => output.show()),
    workspace.onDidGrantWorkspaceTrust(restart),
    workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("leadline.command") && restart()),
  );
  await start();
};

exports.deactivate = () => client?.stop();

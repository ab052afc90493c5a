/**
 * Shows where a change makes Kubernetes objects easier to break into, and what to edit.
 *
 * A step of a shared library, called in a stage after the checkout: leadline(path: 'deploy', gate: 'high').
 */
def call(Map given = [:]) {
    Map settings = [
        // The file or folder to scan, in the checkout.
        path: '.',
        // Fail on a finding at or above it - critical, high, medium or low; none only reports.
        gate: 'high',
        // Fail when a file could not be read - true or false.
        failOnUnread: 'true',
        // The git revision whose findings fail no gate; auto is where the change left its target; empty for none.
        since: 'auto',
        // A file of leadline baseline save, whose findings fail no gate; it takes the place of since.
        baseline: '',
        // A file of accepted findings.
        waivers: '',
        // Judge by these alone, with commas, such as nsa,mitre; empty for every control.
        frameworks: '',
        // More arguments of leadline scan, one on each line.
        arguments: '',
        // The requirements.txt of a release, in the checkout; empty where Leadline is installed.
        requirements: '.leadline/requirements.txt',
    ]
    List unknown = (given.keySet() - settings.keySet()) as List
    if (unknown) {
        error("leadline: no such setting: ${unknown.join(', ')}; there are ${settings.keySet().join(', ')}")
    }
    settings.putAll(given)

    // Values reach the script as variables: nothing of them is ever read as part of it.
    List variables = [
        "SCAN_PATH=${settings.path}",
        "GATE=${settings.gate}",
        "FAIL_ON_UNREAD=${settings.failOnUnread}",
        "SINCE=${settings.since}",
        "BASELINE=${settings.baseline}",
        "WAIVERS=${settings.waivers}",
        "FRAMEWORKS=${settings.frameworks}",
        "ARGUMENTS=${settings.arguments}",
        "REQUIREMENTS=${settings.requirements}",
        'COLUMNS=200',
    ]
    int code = 2
    withEnv(variables) {
        code = sh(returnStatus: true, label: 'Leadline', script: SCRIPT)
    }
    junit(testResults: 'leadline-reports/junit/*.xml', allowEmptyResults: true, skipMarkingBuildUnstable: true)
    archiveArtifacts(artifacts: 'leadline-reports/**', allowEmptyArchive: true)
    if (code) {
        error(code == 1 ? 'leadline: a gate failed' : "leadline: there is no verdict (exit code ${code}): see the log")
    }
}

@groovy.transform.Field
final String SCRIPT = '''
set -e
if [ -n "$REQUIREMENTS" ]; then
  python3 -m venv "$WORKSPACE_TMP/leadline"
  "$WORKSPACE_TMP/leadline/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$REQUIREMENTS"
  PATH=$WORKSPACE_TMP/leadline/bin:$PATH
fi

# Of a pull request alone is anything compared; a branch fails on what a baseline does not know.
TARGET=${CHANGE_TARGET:-}
if [ -z "$TARGET" ] && [ -z "$BASELINE" ]; then
  GATE=none
  FAIL_ON_UNREAD=false
fi

if [ -n "$BASELINE" ]; then
  SINCE=
elif [ "$SINCE" = auto ] && [ -n "$TARGET" ]; then
  [ "$(git rev-parse --is-shallow-repository)" = false ] || git fetch --quiet --unshallow origin
  git fetch --quiet --no-tags origin "+refs/heads/$TARGET:refs/remotes/origin/$TARGET" ||
    git rev-parse --verify --quiet "refs/remotes/origin/$TARGET" >/dev/null
  SINCE=$(git merge-base HEAD "refs/remotes/origin/$TARGET") || exit 2
elif [ "$SINCE" = auto ]; then
  SINCE=
fi

rm -rf leadline-reports
mkdir leadline-reports
set -- -f pretty -f sarif=leadline-reports/leadline.sarif
set -- "$@" -f junit=leadline-reports/junit/leadline.xml -f markdown=leadline-reports/leadline.md
[ "$GATE" = none ] || set -- "$@" --severity-threshold "$GATE"
[ "$FAIL_ON_UNREAD" != true ] || set -- "$@" --fail-on unread
[ -z "$SINCE" ] || set -- "$@" --since "$SINCE"
[ -z "$BASELINE" ] || set -- "$@" --baseline "$BASELINE"
[ -z "$WAIVERS" ] || set -- "$@" --waivers "$WAIVERS"
while IFS= read -r argument; do
  [ -z "$argument" ] || set -- "$@" "$argument"
done <<END
$ARGUMENTS
END
set -- "$@" --
[ -z "$FRAMEWORKS" ] || set -- "$@" framework "$FRAMEWORKS"
set -- "$@" "$SCAN_PATH"
code=0
leadline scan "$@" || code=$?

if [ "$code" -gt 1 ]; then
  # Services would take what a scan without a verdict found for all there is.
  rm -rf leadline-reports/junit leadline-reports/leadline.sarif
fi
exit "$code"
'''

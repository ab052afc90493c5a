import subprocess

from leadline.programs.cli.main import main

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n  containers: [{name: a, image: a}]\n"


def test_paths_of_a_repository_are_those_in_it(tmp_path, capfd):
    folder = tmp_path / "shop" / "deploy"
    folder.mkdir(parents=True)
    (folder / "pod.yaml").write_text(POD)
    (folder / "broken.yaml").write_text("apiVersion: v1\nkind: [\n")
    git = ["git", "-C", str(tmp_path / "shop"), "-c", "user.email=a@example", "-c", "user.name=a"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    code = main(["scan", "control", "C-0038", f"file://{tmp_path}/shop", "--format", "lines"])
    out, err = capfd.readouterr()
    assert code == 0
    assert out.splitlines()[0] == (
        "deploy/pod.yaml:5:3: high C-0038 Shares the node's processes or IPC [Pod/a] remove spec.hostPID"
    )
    assert out.splitlines()[1].startswith("deploy/broken.yaml:")
    assert str(tmp_path) not in out + err.replace(f"file://{tmp_path}", "")

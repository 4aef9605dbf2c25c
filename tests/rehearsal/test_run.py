"""Whole projects run from their files, cleanly, any number of times in one process."""

from __future__ import annotations

import gc
import os
import runpy
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.graph import SECRET, Graph
from rehearsal.project import ProjectError, load_project, load_stack_config
from rehearsal.record import RecordOnlyProvider
from rehearsal.run import rehearse, rehearse_program
from tests.projects import PROJECT_FILE, WriteProject


def run(directory: Path) -> Graph:
    return rehearse(directory, "dev", "Pulumi.dev.yaml", RecordOnlyProvider())


def test_the_program_runs_unmodified_with_its_stack_file(
    project: WriteProject,
) -> None:
    graph = run(
        project("""
            import pulumi, pulumi_aws as aws
            pulumi.export("size", pulumi.Config().require_int("size"))
            pulumi.export("region", pulumi.Config("aws").require("region"))
            pulumi.export("name", [pulumi.get_project(), pulumi.get_stack()])
            aws.sqs.Queue("jobs")
        """)
    )
    assert graph.outputs == {"name": ["small", "dev"], "region": "eu-west-1", "size": 3}
    assert list(graph.resources) == ["urn:pulumi:dev::small::aws:sqs/queue:Queue::jobs"]
    assert graph.resources[next(iter(graph.resources))].source == "__main__.py:5"
    assert not graph.findings


def test_structured_settings_arrive_as_json_and_scalars_as_they_are_written(
    project: WriteProject,
) -> None:
    graph = run(
        project(
            """
            import pulumi
            config = pulumi.Config()
            for key in ("nested", "version", "flag", "window", "word", "list"):
                pulumi.export(key, config.require(key))
            """,
            """
            config:
              small:nested: {on: "yes", at: 22:30, ratio: 1.50, many: [1, true, null]}
              small:version: 17.10
              small:flag: true
              small:window: 03:00
              small:word: on
              list: [a, b]
            """,
        )
    )
    assert graph.outputs == {
        "nested": '{"on": "yes", "at": "22:30", "ratio": 1.5, "many": [1, true, null]}',
        "version": "17.10",
        "flag": "true",
        "window": "03:00",
        "word": "on",
        "list": '["a", "b"]',
    }


def test_settings_of_the_project_file_apply_unless_the_stack_says_otherwise(
    project: WriteProject,
) -> None:
    directory = project(
        """
        import pulumi
        for key in ("size", "colour"):
            pulumi.export(key, pulumi.Config().require(key))
        """
    )
    (directory / "Pulumi.yaml").write_text(
        PROJECT_FILE + "config: {size: {type: integer, default: 1}, colour: {default: red}}\n"
    )
    assert run(directory).outputs == {"colour": "red", "size": "3"}


def test_an_encrypted_setting_is_a_placeholder_and_stays_secret(project: WriteProject) -> None:
    graph = run(
        project(
            """
            import pulumi
            pulumi.export("token", pulumi.Config().require_secret("token"))
            pulumi.export("nested", pulumi.Config().require_secret("nested"))
            """,
            "config: {small:token: {secure: v1:abc}, small:nested: {key: {secure: v1:def}, n: 1}}",
        )
    )
    assert graph.outputs["token"] == SECRET
    assert graph.as_json()["outputs"] == {"nested": SECRET, "token": SECRET}
    assert "v1:" not in graph.write()


def test_a_plain_setting_of_the_stack_replaces_a_secret_one_of_the_project(
    project: WriteProject,
) -> None:
    directory = project()
    (directory / "Pulumi.yaml").write_text(
        PROJECT_FILE + "config: {size: {value: {secure: v1:abc}}}\n"
    )
    values = load_stack_config(
        load_project(directory), directory / "Pulumi.dev.yaml", "Pulumi.dev.yaml"
    )
    assert (values.values["small:size"], values.secret_keys) == ("3", ())


def test_two_runs_write_the_same_bytes(project: WriteProject) -> None:
    directory = project()
    assert run(directory).write() == run(directory).write()


def test_a_refusal_of_the_program_is_raised_and_nothing_is_made(project: WriteProject) -> None:
    directory = project("""
        import pulumi, pulumi_aws as aws
        raise pulumi.RunError("Pulumi.dev.yaml: small:size: 3 is too small")
        aws.sqs.Queue("jobs")
    """)
    with pytest.raises(pulumi.RunError, match="small:size: 3 is too small"):
        run(directory)
    assert run(project()).outputs == {}


def test_a_crash_is_a_finding_with_the_lines_of_the_program_alone(project: WriteProject) -> None:
    graph = run(
        project(
            """
            import pulumi_aws as aws
            from parts.jobs import make
            aws.sqs.Queue("before")
            make()
            """,
            parts__jobs="def make():\n    return {}['absent']\n",
        )
    )
    (finding,) = graph.findings
    assert (finding.check, finding.severity) == ("program", "error")
    assert finding.source == "parts/jobs.py:2"
    assert finding.message.splitlines() == [
        "KeyError: 'absent'",
        "__main__.py:4 in <module>: make()",
        "parts/jobs.py:2 in make: return {}['absent']",
    ]
    assert len(graph.resources) == 1


def test_a_crash_inside_apply_is_a_finding_and_prints_nothing(
    project: WriteProject, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    graph = run(
        project("""
            import pulumi, pulumi_aws as aws
            jobs = aws.sqs.Queue("jobs")
            aws.sqs.Queue("next", name=jobs.arn.apply(lambda arn: arn.absent))
        """)
    )
    assert [finding.check for finding in graph.findings] == ["program"]
    assert "no attribute 'absent'" in graph.findings[0].message
    assert graph.findings[0].source == "__main__.py:3"
    gc.collect()  # futures whose exception nobody fetched complain when they are collected
    assert capfd.readouterr().err == ""
    assert not caplog.records


def test_every_exception_is_found_once_with_its_line(project: WriteProject) -> None:
    graph = run(
        project("""
            import pulumi, pulumi_aws as aws
            jobs = aws.sqs.Queue("jobs")
            def boom(arn):
                raise ValueError(arn[:3])
            name = jobs.arn.apply(boom)
            for number in range(3):
                aws.sqs.Queue(f"next-{number}", name=name)
            pulumi.export("name", {"nested": [name]})
            jobs.arn.apply(lambda arn: [][0])
            raise ZeroDivisionError("at the end")
        """)
    )
    assert [(one.source, one.message.splitlines()[0]) for one in sorted(graph.findings)] == [
        ("__main__.py:10", "ZeroDivisionError: at the end"),
        ("__main__.py:4", "ValueError: arn"),
        ("__main__.py:9", "IndexError: list index out of range"),
    ]


def test_a_lookup_that_fails_is_found_once(project: WriteProject) -> None:
    graph = run(
        project("""
            import pulumi, pulumi_aws as aws
            aws.ec2.get_vpc_output(id="vpc-1")
            pulumi.runtime.invoke("aws:foo/getBar:getBar", {})
        """)
    )
    assert [(one.check, one.source) for one in sorted(graph.findings)] == [
        ("lookup", "__main__.py:2"),
        ("lookup", "__main__.py:3"),
    ]


def test_a_program_that_cannot_be_read_is_named_with_its_line(project: WriteProject) -> None:
    graph = run(project("import parts.jobs", parts__jobs="ready = True\ndef f(:\n"))
    (finding,) = graph.findings
    assert finding.source == "parts/jobs.py:2"
    assert finding.message.splitlines() == [
        "SyntaxError: invalid syntax",
        "__main__.py:1 in <module>: import parts.jobs",
        "parts/jobs.py:2: def f(:",
    ]


def test_a_refusal_inside_apply_is_raised(project: WriteProject) -> None:
    directory = project("""
        import pulumi, pulumi_aws as aws
        def refuse(arn):
            raise pulumi.RunError("Pulumi.dev.yaml: too small")
        aws.sqs.Queue("jobs").arn.apply(refuse)
    """)
    with pytest.raises(pulumi.RunError, match="too small"):
        run(directory)


def test_an_output_in_a_text_is_an_error_not_a_strange_name(project: WriteProject) -> None:
    graph = run(
        project("""
            import pulumi_aws as aws
            jobs = aws.sqs.Queue("jobs")
            aws.sqs.Queue("next", name=f"{jobs.name}-next")
        """)
    )
    assert [finding.check for finding in graph.findings] == ["program"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        (
            "import sys, pulumi\npulumi.Output.from_input(1).apply(lambda _: sys.exit(0))",
            "SystemExit: 0",
        ),
        ("raise BaseException('gone')", "BaseException: gone"),
        ("import asyncio\nraise asyncio.CancelledError", "CancelledError"),
    ],
)
def test_a_program_that_exits_is_a_finding(
    project: WriteProject, program: str, message: str
) -> None:
    graph = run(project(program))
    assert [finding.message.splitlines()[0] for finding in graph.findings] == [message]
    assert not run(project()).failed


def test_lines_of_a_function_are_relative_to_its_file(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import pulumi_aws as aws\ndef program():\n    aws.sqs.Queue('jobs')\n    boom()\n"
    )
    scope = runpy.run_path(str(script))
    graph = rehearse_program(scope["program"], RecordOnlyProvider())
    assert [resource.source for resource in graph.resources.values()] == ["script.py:3"]
    assert [finding.source for finding in graph.findings] == ["script.py:4"]


def test_programs_do_not_see_each_others_modules_or_settings(
    project: WriteProject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = """
        import pulumi
        from parts.colour import COLOUR
        pulumi.export("colour", COLOUR)
        pulumi.export("size", pulumi.Config().get("size"))
    """
    first = project(program, parts__colour="COLOUR = 'red'")
    second = tmp_path_factory.mktemp("second")
    (second / "parts").mkdir()
    for name, text in {
        "Pulumi.yaml": "name: other\nruntime: {name: python}\n",
        "Pulumi.dev.yaml": "config: {other:unrelated: 1}",
        "__main__.py": dedent(program),
        "parts/colour.py": "COLOUR = 'blue'",
    }.items():
        (second / name).write_text(text)
    path, modules, directory = list(sys.path), set(sys.modules), Path.cwd()
    assert run(first).outputs == {"colour": "red", "size": "3"}
    assert run(second).outputs == {"colour": "blue"}
    assert run(first).outputs == {"colour": "red", "size": "3"}
    assert (sys.path, Path.cwd()) == (path, directory)
    assert not {name for name in set(sys.modules) - modules if name.startswith("parts")}


def test_a_loaded_module_of_the_same_name_steps_aside_for_the_program(
    project: WriteProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = ModuleType("parts")
    foreign.__file__ = "/elsewhere/parts/__init__.py"
    monkeypatch.setitem(sys.modules, "parts", foreign)
    graph = run(
        project(
            "import pulumi\nfrom parts.colour import COLOUR\npulumi.export('colour', COLOUR)",
            parts__colour="COLOUR = 'red'",
        )
    )
    assert graph.outputs == {"colour": "red"}
    assert sys.modules["parts"] is foreign


def test_a_crash_leaves_the_next_run_clean(project: WriteProject) -> None:
    assert run(project("raise ValueError('no')")).failed
    graph = run(project())
    assert not graph.failed
    assert [resource.parent for resource in graph.resources.values()] == [""]


def test_the_environment_is_fake_during_the_run_and_back_afterwards(
    project: WriteProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("PULUMI_CONFIG", '{"small:size": "99"}')
    graph = run(
        project("""
            import os, pulumi
            for name in ("AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION",
                         "PULUMI_CONFIG", "BACKLOT_CONFIG_FILE"):
                pulumi.export(name, os.environ.get(name, "absent"))
        """)
    )
    assert graph.outputs == {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_PROFILE": "absent",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "BACKLOT_CONFIG_FILE": "Pulumi.dev.yaml",
        "PULUMI_CONFIG": "absent",
    }
    assert os.environ["AWS_PROFILE"] == "production"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "real"
    assert "BACKLOT_CONFIG_FILE" not in os.environ


def test_no_request_leaves_the_process() -> None:
    def program() -> None:
        import boto3

        boto3.client("sqs", region_name="us-east-1").list_queues()

    graph = rehearse_program(program, RecordOnlyProvider())
    assert "would have left the process" in graph.findings[0].message
    assert graph.failed


def test_the_same_function_runs_twice_in_one_process() -> None:
    def program() -> None:
        aws.sqs.Queue("jobs")

    first, second = (rehearse_program(program, RecordOnlyProvider()) for _ in range(2))
    assert first.write() == second.write()


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "Pulumi.dev.yaml",
            "config:\n  small:a: [1\n  small:b: 2\n",
            "Pulumi.dev.yaml:2: not valid YAML: the bracket that opens here needs a `]`",
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n\tsmall:a: 1\n",
            "Pulumi.dev.yaml:2: not valid YAML: there is a tab; YAML is indented with spaces",
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n  small:a: 'b\n  small:c: d\n",
            "Pulumi.dev.yaml:2: not valid YAML: the quote that opens here is never closed",
        ),
        *(
            (
                "Pulumi.dev.yaml",
                f"config:\n  small:a:\n    b: {text}\n",
                f'yaml:3: not valid YAML: "{sign}" is a sign of YAML\'s own here; put the text in',
            )
            for text, sign in (
                ("{path: /health?full=1}", "?"),
                ("[/a?b]", "?"),
                ("[*]", "*"),
                ("*.studio.example", "*"),
                ("*studio", "*"),
                ("[&]", "&"),
                ("@studio", "@"),
                ("%d", "%"),
            )
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n  small:a\n    b: 1\n",
            "Pulumi.dev.yaml:3: not valid YAML: no key can stand here: the line above lacks its",
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n  small:a:\n    b: 1\n   c: 2\n",
            "Pulumi.dev.yaml:4: not valid YAML: the indentation fits neither the line above",
        ),
        (
            "Pulumi.dev.yaml",
            "config:\n  small:a: 1\n  small:a: 2\n",
            "the key 'small:a' is given twice; put both under the one on line 2",
        ),
        ("Pulumi.dev.yaml", "", "Pulumi.dev.yaml:1: must be a mapping"),
        ("Pulumi.dev.yaml", "encryptionsalt: x\n", "Pulumi.dev.yaml: config: the stack file has"),
        ("Pulumi.dev.yaml", "config:\n", "Pulumi.dev.yaml: config: the stack file has no settings"),
        ("Pulumi.yaml", "runtime: python\n", "Pulumi.yaml: name: a project needs a name"),
        ("Pulumi.yaml", "name: small\nruntime: go\n", "Pulumi.yaml: runtime: 'go'"),
        ("Pulumi.yaml", PROJECT_FILE + "main: src\n", "has no __main__.py"),
        ("Pulumi.yaml", "name: [\n", "Pulumi.yaml:2: not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_problem(
    project: WriteProject, file: str, text: str, message: str
) -> None:
    directory = project()
    (directory / file).write_text(text)
    with pytest.raises(ProjectError) as refused:
        run(directory)
    assert str(refused.value).startswith(message) or message in str(refused.value)


def test_a_directory_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"Pulumi\.yaml: no such file"):
        run(tmp_path)

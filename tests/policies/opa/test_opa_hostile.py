"""Bundles and plans made to harm: refused when they are loaded, or stopped within bounds when they are asked."""

from __future__ import annotations

import gzip
import io
import json
import signal
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from rego import build

from aureus_jupyter.adapters.policies.opa.builtins import BUILTINS
from aureus_jupyter.adapters.policies.opa.bundle import read_bundle
from aureus_jupyter.adapters.policies.opa.failures import BuiltinFailure, EvaluationFailure, MalformedPlan, OutOfBounds
from aureus_jupyter.adapters.policies.opa.in_process import load_bundle
from aureus_jupyter.adapters.policies.opa.machine import Context, Limits, Machine, Run
from aureus_jupyter.adapters.policies.opa.plan import parse_plan
from aureus_jupyter.adapters.policies.opa.regex_machine import find
from aureus_jupyter.adapters.policies.opa.regex_syntax import compile_pattern
from aureus_jupyter.errors import Unavailable


def local(index: int) -> dict[str, Any]:
    return {"type": "local", "value": index}


def stmt(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "stmt": {**fields, "file": 0, "row": 1, "col": 1}}


def plan(
    *statements: dict[str, Any], strings: tuple[str, ...] = (), functions: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """Return a plan whose entry point `p/q` runs these statements and answers with local 2."""
    answer = [
        stmt("MakeObjectStmt", target=3),
        stmt("ObjectInsertStmt", key={"type": "string_index", "value": 0}, value=local(2), object=3),
        stmt("ResultSetAddStmt", value=3),
    ]
    return {
        "static": {"strings": [{"value": s} for s in ("result", *strings)]},
        "plans": {"plans": [{"name": "p/q", "blocks": [{"stmts": [*statements, *answer]}]}]},
        "funcs": {"funcs": list(functions)},
    }


def function(name: str, *statements: dict[str, Any], parameters: int = 2) -> dict[str, Any]:
    return {"name": name, "params": list(range(parameters)), "return": 9, "blocks": [{"stmts": list(statements)}]}


def call(name: str, *arguments: int) -> dict[str, Any]:
    return stmt("CallStmt", func=name, args=[local(a) for a in arguments], result=2)


def asked(value: dict[str, Any], given: Any = None, limits: Limits = Limits()) -> Any:  # noqa: B008 - immutable
    return Machine(parse_plan(value, BUILTINS), {}, BUILTINS, limits).evaluate("p/q", given or {})


def test_the_plan_of_these_tests_answers_at_all() -> None:
    assert asked(plan(stmt("MakeNumberIntStmt", value=5, target=2))) == 5


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"plans": {"plans": []}},
        plan(stmt("EvalStmt", code="x")),
        plan(stmt("BreakStmt", index=-1)),
        plan(stmt("BreakStmt", index=5000)),
        plan(stmt("BreakStmt", index="0")),
        plan(stmt("ResetLocalStmt", target=2, surprise=1)),
        plan(stmt("ResetLocalStmt", target=-3)),
        plan(stmt("ResetLocalStmt", target=1 << 40)),
        plan(stmt("ResetLocalStmt")),
        plan(stmt("MakeNumberRefStmt", index=7, target=2)),
        plan(stmt("AssignVarStmt", source={"type": "code", "value": 1}, target=2)),
        plan(stmt("AssignVarStmt", source={"type": "bool", "value": 1}, target=2)),
        plan(stmt("BlockStmt", blocks=3)),
        plan(call("http.send", 0)),
        plan(call("nobody.knows", 0)),
        {**plan(), "extra": {}},
        {**plan(), "static": {"builtin_funcs": [{"name": "opa.runtime"}]}},
        plan(functions=(function("f", parameters=1),)),
    ],
    ids=str,
)
def test_a_plan_that_is_not_known_is_refused_when_it_is_loaded(value: Any) -> None:
    with pytest.raises(MalformedPlan):
        Machine(parse_plan(value, BUILTINS), {}, BUILTINS)


@pytest.mark.parametrize(
    "name",
    ["http.send", "opa.runtime", "net.lookup_ip_addr", "rand.intn", "uuid.rfc4122", "io.jwt.decode_verify"],
)
def test_a_policy_that_reaches_outside_is_refused_when_it_is_loaded(tmp_path: Path, name: str) -> None:
    calls = {
        "http.send": 'http.send({"method": "get", "url": "http://127.0.0.1"})',
        "opa.runtime": "opa.runtime()",
        "net.lookup_ip_addr": 'net.lookup_ip_addr("localhost")',
        "rand.intn": 'rand.intn("a", 5)',
        "uuid.rfc4122": 'uuid.rfc4122("a")',
        "io.jwt.decode_verify": 'io.jwt.decode_verify(input.t, {"secret": "s"})',
    }
    source = f"package bank\nimport rego.v1\nallow if {calls[name]}\n"
    bundle = build(tmp_path, {"p.rego": source}, ["bank/allow"])
    with pytest.raises(Unavailable, match=name) as found:
        load_bundle(bundle, "bank", ["allow"])
    assert found.value.code == "policy_malformed"


def test_deep_nesting_is_refused() -> None:
    inner: dict[str, Any] = stmt("ResetLocalStmt", target=2)
    for _ in range(200):
        inner = stmt("BlockStmt", blocks=[{"stmts": [inner]}])
    with pytest.raises(MalformedPlan, match="deeply"):
        parse_plan(plan(inner), BUILTINS)


def test_a_function_that_calls_itself_stops() -> None:
    for parameters in (2, 3):
        again = call("f", *range(parameters))
        with pytest.raises(OutOfBounds):
            asked(plan(call("f", *([0] * parameters)), functions=(function("f", again, parameters=parameters),)))


def test_two_functions_that_call_each_other_twice_stop() -> None:
    """Each call doubles the work: without a bound on steps this would not end."""
    twice = function("f", call("g", 0, 1, 0), call("g", 0, 1, 0), parameters=3)
    other = function("g", call("f", 0, 1, 0), call("f", 0, 1, 0), parameters=3)
    with pytest.raises(OutOfBounds):
        asked(plan(call("f", 0, 1, 0), functions=(twice, other)))


def scan(source: int, key: int, *inner: dict[str, Any]) -> dict[str, Any]:
    return stmt("ScanStmt", source=source, key=key, value=key + 1, block={"stmts": list(inner)})


def test_loops_within_loops_stop() -> None:
    body = stmt("ResetLocalStmt", target=2)
    for depth in range(4):
        body = scan(0, 10 + 2 * depth, body)
    with pytest.raises(OutOfBounds):
        asked(plan(body), {str(n): n for n in range(100)}, Limits(steps=500_000))
    assert Limits().steps <= 5_000_000


def test_a_value_that_doubles_stops_while_it_is_small() -> None:
    steps = [stmt("MakeArrayStmt", capacity=0, target=4)]
    for index in range(40):
        new = 5 + index
        steps.append(stmt("MakeArrayStmt", capacity=0, target=new))
        steps += [stmt("ArrayAppendStmt", array=new, value=local(new - 1))] * 2
    with pytest.raises(OutOfBounds):
        asked(plan(*steps))


def test_a_value_that_is_linked_before_it_is_filled_stops() -> None:
    """Each list holds the next one twice, from the outermost on: at that time all of them are empty."""
    steps = [stmt("MakeArrayStmt", capacity=0, target=4 + index) for index in range(40)]
    for index in range(39):
        steps += [stmt("ArrayAppendStmt", array=4 + index, value=local(5 + index))] * 2
    with pytest.raises(EvaluationFailure):
        asked(plan(*steps, stmt("AssignVarStmt", source=local(4), target=2)))


def test_a_collection_that_contains_itself_stops() -> None:
    steps = [stmt("MakeArrayStmt", capacity=0, target=2)]
    steps += [stmt("ArrayAppendStmt", array=2, value=local(2))] * 100
    with pytest.raises(EvaluationFailure):
        asked(plan(*steps))


def test_a_plan_cannot_change_what_it_did_not_make() -> None:
    """Inputs are shared with other policies, data with other decisions."""
    text = {"type": "string_index", "value": 0}
    for source in (0, 1):
        held = stmt("DotStmt", source=local(source), key=text, target=5)
        for change in (
            stmt("ObjectInsertStmt", object=5, key=text, value=text),
            stmt("ObjectInsertOnceStmt", object=5, key=text, value=text),
            stmt("ArrayAppendStmt", array=5, value=text),
            stmt("SetAddStmt", set=5, value=text),
        ):
            machine = Machine(parse_plan(plan(held, change), BUILTINS), {"result": {}}, BUILTINS)
            with pytest.raises(EvaluationFailure):
                machine.evaluate("p/q", {"result": {}})


def test_deep_input_and_data_stop() -> None:
    deep: Any = 1
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(OutOfBounds):
        asked(plan(stmt("AssignVarStmt", source=local(0), target=2)), deep)


HOSTILE: Mapping[str, str] = {
    "replace": 'replace(input.long, "a", input.long)',
    "concat": 'concat(input.long, split(input.long, ""))',
    "range": "numbers.range(1, 1000000000000)",
    "shift": "bits.lsh(1, 1000000000000)",
    "product": "product(numbers.range(1, 5000))",
    "power": "product([x | x := input.large; numbers.range(1, 500)[_]])",
    "width": 'sprintf("%1000000000d", [1])',
    "precision": 'sprintf("%.1000000000f", [1.5])',
    "expand": 'net.cidr_expand("::/0")',
    "regex size": 'regex.match("((((a{30}){30}){30}){30})", "a")',
    "regex length": 'regex.match(concat("", [input.long, input.long]), "a")',
    "exponent": 'to_number("1e999999999")',
    "digits": 'to_number(concat("", [input.digits, input.digits]))',
    "indent": 'json.marshal_with_options(numbers.range(1, 9999), {"indent": input.long})',
    "paths": 'graph.reachable_paths(input.graph, {"0"})',
    "regex replace": 'regex.replace(input.long, "", input.long)',
    "json": "json.unmarshal(input.brackets)",
    "json patch": 'json.patch({"a": input.long}, [{"op": "copy", "from": "/a", "path": p} | p := numbers.range(1, 999)[_]])',
    "units": 'units.parse_bytes("1e999999")',
}
GIVEN = {
    "long": "a" * 5_000,
    "large": 10**4000,
    "digits": "9" * 3000,
    "brackets": "[" * 5_000 + "]" * 5_000,
    "graph": {str(n): [str(m) for m in range(n + 1, 40)] for n in range(40)},
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    folder = tmp_path_factory.mktemp("hostile")
    rules = [f"r{index} := x if {{ x := {call} }}" for index, call in enumerate(HOSTILE.values())]
    source = "\n".join(["package hostile", "import rego.v1", *rules])
    entries = [f"hostile/r{index}" for index in range(len(HOSTILE))]
    read = read_bundle(build(folder, {"p.rego": source}, entries))
    return Machine(parse_plan(read.plan, BUILTINS), read.data, BUILTINS)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_call_that_asks_for_too_much_stops(hostile: Machine, name: str) -> None:
    with pytest.raises((OutOfBounds, BuiltinFailure)):
        hostile.evaluate(f"hostile/r{list(HOSTILE).index(name)}", GIVEN)


def test_a_pattern_that_others_take_years_for_answers_in_linear_time() -> None:
    run = Run(Context(), 400_000, 1)
    assert find(compile_pattern("(a+a+)+b"), "a" * 10_000, 0, run) is None


def packed(members: Mapping[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda member: None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            change(member)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


GOOD = {"plan.json": json.dumps(plan(stmt("MakeNullStmt", target=2))).encode(), "data.json": b"{}"}


def linked(member: tarfile.TarInfo) -> None:
    member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc/passwd", 0


def of_a_device(member: tarfile.TarInfo) -> None:
    member.type, member.size = tarfile.CHRTYPE, 0


BROKEN: Mapping[str, bytes] = {
    "nothing": b"",
    "no archive": b"this is no archive",
    "no tar": gzip.compress(b"this is no tar" * 100),
    "no plan": packed({"data.json": b"{}"}),
    "plan that is no JSON": packed({"plan.json": b"{"}),
    "plan with a key twice": packed({"plan.json": b'{"static": {}, "static": {}}'}),
    "deep plan": packed({"plan.json": b"[" * 100_000}),
    "path upwards": packed({**GOOD, "../../evil": b"x"}),
    "path in the middle": packed({**GOOD, "a/../../evil": b"x"}),
    "windows path": packed({**GOOD, "..\\evil": b"x"}),
    "control character": packed({**GOOD, "a\nb": b"x"}),
    "link": packed(GOOD, linked),
    "device": packed(GOOD, of_a_device),
    "bomb": gzip.compress(b"\0" * (80 * 1024 * 1024)),
    "cut": packed(GOOD)[:-20],
    "something behind": packed(GOOD) + b"tail",
    "data as a list": packed({**GOOD, "data.json": b"[]"}),
    "data twice": packed({**GOOD, "data.json": b'{"a": {"x": 1}}', "a/data.json": b'{"x": 2}'}),
    "data outside of the roots": packed({**GOOD, ".manifest": b'{"roots": ["bank"]}', "data.json": b'{"other": 1}'}),
    "manifest that is no object": packed({**GOOD, ".manifest": b"[]"}),
    "YAML data": packed({**GOOD, "data.yaml": b"a: 1"}),
    "delta": packed({**GOOD, "patch.json": b"{}"}),
    "deep data": packed({**GOOD, "data.json": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"}),
    "deep data under a root": packed(
        {**GOOD, ".manifest": b'{"roots": ["b"]}', "data.json": b'{"a":' * 900 + b"1" + b"}" * 900}
    ),
    "revision that is no text": packed({**GOOD, ".manifest": b'{"revision": ["a"]}'}),
    "NaN": packed({**GOOD, "data.json": b'{"a": NaN}'}),
    "signed without a key": packed({**GOOD, ".signatures.json": b"{}"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_bundle_is_refused_with_its_name_and_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bank.tar.gz"
    path.write_bytes(BROKEN[name])
    with pytest.raises(Unavailable) as found:
        load_bundle(path, "p", ["allow"])
    assert found.value.code == "policy_malformed"
    assert "bank.tar.gz" in found.value.message
    assert str(path) in found.value.hint


def test_a_bundle_with_a_byte_changed_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    """Whatever the archive's reader makes of it: no other error may get out, for the caller would not know it."""
    content = gzip.decompress(packed({**GOOD, ".manifest": b'{"revision": "7"}', "a/data.json": b'{"x": 1}'}))
    path = tmp_path / "b.tar.gz"
    outcomes = set()
    for number in range(300):
        place = number * 7919 % len(content) if number % 2 else number * 31 % 512
        changed = bytearray(content)
        changed[place] ^= 1 << number % 8
        path.write_bytes(gzip.compress(bytes(changed), 1))
        try:
            Machine(parse_plan(read_bundle(path).plan, BUILTINS), {}, BUILTINS)
            outcomes.add("read")
        except (MalformedPlan, EvaluationFailure):
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name in ("plan.json", "/plan.json"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
    (tmp_path / "b.tar.gz").write_bytes(made.getvalue())
    with pytest.raises(MalformedPlan, match="twice"):
        read_bundle(tmp_path / "b.tar.gz")


def test_a_bundle_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as found:
        load_bundle(tmp_path / "none.tar.gz", "p", ["allow"])
    assert found.value.code == "policies_missing"


def test_an_interrupt_stops_a_decision() -> None:
    """The bound on steps is far off; the interrupt comes first."""
    body = stmt("ResetLocalStmt", target=2)
    for depth in range(5):
        body = scan(0, 10 + 2 * depth, body)
    machine = Machine(parse_plan(plan(body), BUILTINS), {}, BUILTINS, Limits(steps=10**12))
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        machine.evaluate("p/q", {str(n): n for n in range(100)})
    timer.join()


@pytest.mark.parametrize("call", ['base64.decode("gICA")', 'hex.decode("e9")', 'sprintf("%[2]*[1]d", [5, 3])'])
def test_what_has_no_text_of_ours_fails(tmp_path: Path, call: str) -> None:
    """OPA answers with bytes that are no UTF-8, or with a width by place; here no rule can rest on it."""
    bundle = read_bundle(build(tmp_path, {"p.rego": f"package p\nq := {call}\n"}, ["p/q"]))
    with pytest.raises(BuiltinFailure):
        Machine(parse_plan(bundle.plan, BUILTINS), {}, BUILTINS).evaluate("p/q", {})


def test_the_time_is_refused_where_none_is_given() -> None:
    with pytest.raises(EvaluationFailure, match="time"):
        asked(plan(call("time.now_ns")))

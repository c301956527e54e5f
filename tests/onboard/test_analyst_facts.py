"""The twenty questions answered a second time, with pandas and without SQL: the notebook's SQL says what its titles say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tools import tool

pytestmark = pytest.mark.shared
LIMIT = 500.5
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def tables(shared: Path) -> Tables:
    """Every table by its file's name; the transfers and nodes of AMLSim by theirs."""
    files = [*(shared / "data" / "berka").glob("*.parquet"), *(shared / "data" / "amlsim").glob("*.parquet")]
    return {path.stem.rpartition("cycle200_")[2]: pd.read_parquet(path) for path in files}


@pytest.fixture(scope="module")
def questions() -> list[tuple[str, str]]:
    """Titles and SQL, as the notebook has them."""
    module = tool("make_analyst_notebook")
    return [*module.BERKA, *module.AMLSIM]


def _status(t: Tables) -> pd.DataFrame:
    return t["loan"].groupby("status", as_index=False).agg(loans=("amount", "size"), amount=("amount", "sum"))


def _bad(t: Tables) -> pd.DataFrame:
    loan = t["loan"].assign(bad=t["loan"]["status"].isin(["B", "D"]).astype(float))
    return loan.groupby("duration", as_index=False).agg(loans=("bad", "size"), bad_share=("bad", "mean"))


def _located(t: Tables) -> pd.DataFrame:
    branch = t["account"].set_index("account_id")["district_id"]
    place = t["district"].set_index("district_id")
    loan = t["loan"].assign(district_id=t["loan"]["account_id"].map(branch))
    return loan.assign(region=loan["district_id"].map(place["A3"]), district=loan["district_id"].map(place["A2"]))


def _regions(t: Tables) -> pd.DataFrame:
    made = _located(t).groupby("region", as_index=False).agg(loans=("amount", "size"), amount=("amount", "sum"))
    return made.sort_values(["amount", "region"], ascending=[False, True])


def _districts(t: Tables) -> pd.DataFrame:
    made = _located(t).groupby("district", as_index=False).agg(average=("amount", "mean"), loans=("amount", "size"))
    return made[made["loans"] >= 5].sort_values(["average", "district"], ascending=[False, True]).head(10)


def _opened(t: Tables) -> pd.DataFrame:
    year = pd.to_datetime(t["account"]["date"]).dt.year
    made = t["account"].assign(opened=year).groupby(["opened", "frequency"]).size()
    return made.rename("accounts").reset_index()


def _elsewhere(t: Tables) -> pd.DataFrame:
    owner = t["disp"][t["disp"]["type"] == "OWNER"].set_index("account_id")["client_id"]
    home = t["client"].set_index("client_id")["district_id"]
    loan = _located(t)
    lives = loan["account_id"].map(owner).map(home)
    loan = loan.assign(
        region=lives.map(t["district"].set_index("district_id")["A3"]), away=lives != loan["district_id"]
    )
    return loan.groupby("region", as_index=False).agg(
        loans=("amount", "size"), elsewhere=("away", "sum"), average=("amount", "mean")
    )


def _cards(t: Tables) -> pd.DataFrame:
    year = pd.to_datetime(t["card"]["issued"]).dt.year.rename("issued_in")
    return pd.crosstab(year, t["card"]["type"]).reset_index()


def _people(t: Tables) -> pd.DataFrame:
    owner = t["disp"]["type"] == "OWNER"
    made = pd.DataFrame({"a": t["disp"]["account_id"], "owners": owner, "others": ~owner}).groupby("a").sum()
    return made.value_counts().rename("accounts").reset_index().sort_values(["owners", "others"])


def _monthly(t: Tables) -> pd.DataFrame:
    month = pd.to_datetime(t["trans_part"]["date"]).dt.to_period("M").dt.to_timestamp()
    turnover = t["trans_part"]["amount"].groupby(month.rename("month")).sum().rename("turnover")
    made = turnover.reset_index()
    return made.assign(running=made["turnover"].cumsum(), change=made["turnover"].pct_change())


def _largest(t: Tables) -> pd.DataFrame:
    order = t["trans_part"].sort_values(["account_id", "amount", "trans_id"], ascending=[True, False, True])
    return order.groupby("account_id").head(1)[["account_id", "trans_id", "amount"]].head(10)


def _quartiles(t: Tables) -> pd.DataFrame:
    made = t["trans_part"].groupby("type")["balance"].quantile([0.25, 0.5, 0.75]).unstack()
    return made.set_axis(["q1", "q2", "q3"], axis=1).reset_index()


def _standing(t: Tables) -> pd.DataFrame:
    made = t["order"].groupby("k_symbol", as_index=False)["amount"].sum()
    made = made.assign(share=made["amount"] / t["order"]["amount"].sum())
    return made.sort_values(["amount", "k_symbol"], ascending=[False, True])


def _gold(t: Tables) -> pd.DataFrame:
    gold = t["card"].loc[t["card"]["type"] == "gold", "disp_id"]
    accounts = set(t["disp"].loc[t["disp"]["disp_id"].isin(gold), "account_id"])
    return pd.DataFrame({"accounts": [len(accounts & set(t["loan"]["account_id"]))]})


def _days(t: Tables) -> pd.DataFrame:
    opened = t["loan"]["account_id"].map(pd.to_datetime(t["account"].set_index("account_id")["date"]))
    days = (pd.to_datetime(t["loan"]["date"]) - opened).dt.days
    return days.groupby(t["loan"]["status"]).agg(days="mean", fewest="min").reset_index()


def _hundreds(t: Tables) -> pd.DataFrame:
    moved = t["transactions"]
    return (
        moved.groupby((moved["time"] // 100).rename("hundred"), as_index=True)["value"]
        .agg(transfers="size", value="sum")
        .reset_index()
    )


def _fraud(t: Tables) -> pd.DataFrame:
    return (
        t["nodes"]
        .groupby("isFraud", as_index=False)["init_balance"]
        .agg(["size", "mean"])
        .set_axis(["isFraud", "nodes", "balance"], axis=1)
    )


def _fan_in(t: Tables) -> pd.DataFrame:
    grouped = t["transactions"].groupby("targetNodeId")
    made = pd.DataFrame({"senders": grouped["sourceNodeId"].nunique(), "value": grouped["value"].sum()})
    made = made.rename_axis("node").reset_index()
    return made.sort_values(["senders", "node"], ascending=[False, True]).head(20)


def _received(t: Tables) -> pd.DataFrame:
    marked = t["nodes"].set_index("nodeid")["isFraud"]
    moved = t["transactions"]
    made = moved.assign(isFraud=moved["targetNodeId"].map(marked)).groupby("isFraud")["value"]
    return made.agg(transfers="size", value="sum").reset_index()


def _cycles(t: Tables) -> pd.DataFrame:
    leaving: dict[int, list[tuple[int, int]]] = {}
    rows = list(t["transactions"][["sourceNodeId", "targetNodeId", "time"]].itertuples(index=False, name=None))
    for source, target, at in rows:
        leaving.setdefault(source, []).append((target, at))
    found = 0
    for first, second, at in rows:
        for third, then in leaving.get(second, ()):
            if at <= then <= at + 10:
                found += sum(last == first and then <= end <= then + 10 for last, end in leaving.get(third, ()))
    return pd.DataFrame({"cycles": [found]})


def _above(t: Tables) -> pd.DataFrame:
    values = t["transactions"]["value"]
    above = values[values > LIMIT]
    return pd.DataFrame({"transfers": [len(above)], "largest": [above.max()]})


ANSWERS: dict[str, Callable[[Tables], pd.DataFrame]] = {
    "Loans and amounts": _status,
    "Bad loans": _bad,
    "Loans by region": _regions,
    "The ten districts": _districts,
    "Accounts opened": _opened,
    "Loans whose owner": _elsewhere,
    "Cards by type": _cards,
    "Owners and disponents": _people,
    "Monthly turnover": _monthly,
    "Each account's largest": _largest,
    "Quartiles": _quartiles,
    "Standing orders": _standing,
    "Accounts with a loan": _gold,
    "Days from opening": _days,
    "Transfers and value": _hundreds,
    "Nodes flagged": _fraud,
    "The twenty nodes": _fan_in,
    "Value that fraud": _received,
    "Cycles of length": _cycles,
    "Transfers above": _above,
}


def test_every_question_has_an_answer(questions: list[tuple[str, str]]) -> None:
    assert len(questions) == len(ANSWERS) == 20
    assert [next(start for start in ANSWERS if title.startswith(start)) for title, _ in questions] == list(ANSWERS)


@pytest.mark.parametrize("start", list(ANSWERS))
def test_the_sql_gives_what_pandas_gives(start: str, tables: Tables, questions: list[tuple[str, str]]) -> None:
    (sql,) = (text for title, text in questions if title.startswith(start))
    con = duckdb.connect()
    for name, frame in tables.items():
        con.register(name if name not in {"nodes", "transactions"} else f"t_20K_fanin200cycle200_{name}", frame)
    parameters = {"limit": LIMIT} if ":limit" in sql else None
    given = con.execute(sql.replace(":limit", "$limit"), parameters)
    found, wanted = given.df(), ANSWERS[start](tables).reset_index(drop=True)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, check_names=False, check_column_type=False)

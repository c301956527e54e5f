"""Write notebooks/analyst_questions.ipynb: twenty questions over the Berka bank and the AMLSim transfers, in SQL."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]

BERKA = [
    (
        "Loans and amounts by status",
        "SELECT status, count(*) AS loans, sum(amount) AS amount FROM loan GROUP BY status ORDER BY status",
    ),
    (
        "Bad loans (B, D) as a share of all, by duration",
        "SELECT duration, count(*) AS loans, avg(CASE WHEN status IN ('B', 'D') THEN 1.0 ELSE 0.0 END) AS bad_share\n"
        "FROM loan GROUP BY duration ORDER BY duration",
    ),
    (
        "Loans by region, over three joins",
        "SELECT d.A3 AS region, count(*) AS loans, sum(l.amount) AS amount\n"
        "FROM loan AS l JOIN account AS a USING (account_id) JOIN district AS d USING (district_id)\n"
        "GROUP BY d.A3 ORDER BY amount DESC, region",
    ),
    (
        "The ten districts with the highest average loan",
        "SELECT d.A2 AS district, avg(l.amount) AS average, count(*) AS loans\n"
        "FROM loan AS l JOIN account AS a USING (account_id) JOIN district AS d USING (district_id)\n"
        "GROUP BY d.A2 HAVING count(*) >= 5 ORDER BY average DESC, district LIMIT 10",
    ),
    (
        "Accounts opened per year and how often statements are sent",
        "SELECT year(date) AS opened, frequency, count(*) AS accounts FROM account GROUP BY ALL ORDER BY opened, frequency",
    ),
    (
        "Loans whose owner lives in another district than the branch, over five tables",
        "WITH lent AS (SELECT l.loan_id, l.amount, home.A3 AS region, c.district_id <> a.district_id AS elsewhere\n"
        "              FROM loan AS l JOIN account AS a USING (account_id) JOIN disp AS p USING (account_id)\n"
        "              JOIN client AS c USING (client_id) JOIN district AS home ON home.district_id = c.district_id\n"
        "              WHERE p.type = 'OWNER')\n"
        "SELECT region, count(*) AS loans, count(*) FILTER (WHERE elsewhere) AS elsewhere, avg(amount) AS average\n"
        "FROM lent GROUP BY region ORDER BY region",
    ),
    (
        "Cards by type and year of issue, as a pivot",
        "SELECT * FROM (SELECT type, year(issued) AS issued_in FROM card)\n"
        "PIVOT (count(*) FOR type IN ('classic', 'gold', 'junior')) ORDER BY issued_in",
    ),
    (
        "Owners and disponents per account",
        "WITH people AS (SELECT account_id, count(*) FILTER (WHERE type = 'OWNER') AS owners,\n"
        "                       count(*) FILTER (WHERE type <> 'OWNER') AS others FROM disp GROUP BY account_id)\n"
        "SELECT owners, others, count(*) AS accounts FROM people GROUP BY ALL ORDER BY owners, others",
    ),
    (
        "Monthly turnover with a running total and the change from the month before",
        "WITH monthly AS (SELECT date_trunc('month', date) AS month, sum(amount) AS turnover FROM trans_part GROUP BY 1)\n"
        "SELECT month, turnover, sum(turnover) OVER (ORDER BY month) AS running,\n"
        "       turnover / lag(turnover) OVER (ORDER BY month) - 1 AS change FROM monthly ORDER BY month",
    ),
    (
        "Each account's largest transaction (first ten accounts)",
        "SELECT account_id, trans_id, amount FROM trans_part\n"
        "QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY amount DESC, trans_id) = 1 ORDER BY account_id LIMIT 10",
    ),
    (
        "Quartiles of the balance by kind of transaction",
        "SELECT type, quantile_cont(balance, 0.25) AS q1, median(balance) AS q2, quantile_cont(balance, 0.75) AS q3\n"
        "FROM trans_part GROUP BY type ORDER BY type",
    ),
    (
        "Standing orders by purpose, with their share",
        "SELECT k_symbol, sum(amount) AS amount, sum(amount) / sum(sum(amount)) OVER () AS share\n"
        'FROM "order" GROUP BY k_symbol ORDER BY amount DESC, k_symbol',
    ),
    (
        "Accounts with a loan and a gold card",
        "SELECT count(DISTINCT l.account_id) AS accounts FROM loan AS l\n"
        "JOIN disp AS p USING (account_id) JOIN card AS c USING (disp_id) WHERE c.type = 'gold'",
    ),
    (
        "Days from opening an account to its loan",
        "SELECT l.status, avg(date_diff('day', a.date, l.date)) AS days, min(date_diff('day', a.date, l.date)) AS fewest\n"
        "FROM loan AS l JOIN account AS a USING (account_id) GROUP BY l.status ORDER BY l.status",
    ),
]

AMLSIM = [
    (
        "Transfers and value per hundred steps",
        "SELECT time // 100 AS hundred, count(*) AS transfers, sum(value) AS value\n"
        "FROM t_20K_fanin200cycle200_transactions GROUP BY 1 ORDER BY 1",
    ),
    (
        "Nodes flagged as fraud and their opening balance",
        "SELECT isFraud, count(*) AS nodes, avg(init_balance) AS balance FROM t_20K_fanin200cycle200_nodes GROUP BY isFraud ORDER BY isFraud",
    ),
    (
        "The twenty nodes with the most senders (fan-in)",
        "SELECT targetNodeId AS node, count(DISTINCT sourceNodeId) AS senders, sum(value) AS value\n"
        "FROM t_20K_fanin200cycle200_transactions GROUP BY targetNodeId ORDER BY senders DESC, node LIMIT 20",
    ),
    (
        "Value that fraud nodes receive, against the others",
        "SELECT n.isFraud, count(*) AS transfers, sum(t.value) AS value\n"
        "FROM t_20K_fanin200cycle200_transactions AS t JOIN t_20K_fanin200cycle200_nodes AS n ON t.targetNodeId = n.nodeid\n"
        "GROUP BY n.isFraud ORDER BY n.isFraud",
    ),
    (
        "Cycles of length three within ten steps",
        "SELECT count(*) AS cycles FROM t_20K_fanin200cycle200_transactions AS a\n"
        "JOIN t_20K_fanin200cycle200_transactions AS b ON a.targetNodeId = b.sourceNodeId AND b.time BETWEEN a.time AND a.time + 10\n"
        "JOIN t_20K_fanin200cycle200_transactions AS c ON b.targetNodeId = c.sourceNodeId AND c.targetNodeId = a.sourceNodeId\n"
        "  AND c.time BETWEEN b.time AND b.time + 10",
    ),
    (
        "Transfers above a limit given as a parameter",
        "SELECT count(*) AS transfers, max(value) AS largest FROM t_20K_fanin200cycle200_transactions WHERE value > :limit",
    ),
]


def notebook() -> nbformat.NotebookNode:
    """Return the notebook, the same every time."""
    cells = [
        new_markdown_cell(
            "# Twenty questions\n\nOver two packs: `aureus onboard` drafts them from the Berka bank and the AMLSim transfers, and a "
            "person who has checked their contracts sets each to `status: active`. Papermill sets where they are.",
            id="top",
        ),
        new_code_cell(
            'berka = "./berka"\namlsim = "./amlsim"\nlimit = 1000.0', id="parameters", metadata={"tags": ["parameters"]}
        ),
        new_code_cell("%load_ext aureus_jupyter", id="load"),
    ]
    pairs = [("berka", title, sql) for title, sql in BERKA] + [("amlsim", title, sql) for title, sql in AMLSIM]
    for place, (pack, title, sql) in enumerate(pairs, start=1):
        more = " --params limit=$limit" if ":limit" in sql else ""
        cells.append(new_markdown_cell(f"## {place}. {title}", id=f"q{place:02d}-title"))
        cells.append(new_code_cell(f"%%aureus q{place:02d} << --pack ${pack}{more}\n{sql}", id=f"q{place:02d}"))
    return new_notebook(
        cells=cells,
        metadata={"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}},
    )


if __name__ == "__main__":
    nbformat.write(notebook(), ROOT / "notebooks" / "analyst_questions.ipynb")

/** The MIME type of a run, version 1. */
export const MIME_TYPE = 'application/vnd.aureus.run.v1+json';

/** One column of a result's preview. */
export interface IColumn {
  readonly name: string;
  readonly type: string;
  readonly masked: boolean;
  readonly numeric: boolean;
}

/** What a run came to. Each has a colour of its own; anything else is not a card. */
export const OUTCOMES = ['allowed', 'masked', 'refused', 'waiting', 'failed', 'plan'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The sign of each outcome, as `aureus_jupyter/display/words.py` has it. A stored output cannot bring a word of its own. */
export const BADGES: Readonly<Record<Outcome, { readonly icon: string; readonly word: string }>> = {
  allowed: { icon: '✓', word: 'Allowed' },
  masked: { icon: '◐', word: 'Masked' },
  refused: { icon: '✕', word: 'Refused' },
  waiting: { icon: '⏸', word: 'Waiting for approval' },
  failed: { icon: '!', word: 'Failed' },
  plan: { icon: '?', word: 'Dry run' }
};

/** More than any run of ours has. A stored output may hold more, and must not hold up the page. */
const MOST = { columns: 5000, cells: 50000, items: 1000, characters: 200000 };

/** The JSON form of a run, version 1: `aureus_jupyter/display/words.py` writes it. */
export interface ICard {
  readonly run: string;
  readonly outcome: Outcome;
  readonly badge: { readonly icon: string; readonly word: string };
  readonly title: string;
  readonly what: string;
  readonly why: readonly string[];
  readonly next: string;
  readonly changes: readonly string[];
  readonly columns: readonly IColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
  readonly rowCount: number | null;
  readonly truncated: boolean;
  readonly lineage: readonly string[];
  readonly evidence: { readonly path: string; readonly digest: string };
  readonly question: string;
  readonly sql: string;
  readonly notices: readonly string[];
  /** Whether the output holds more than a card takes. */
  readonly cut: boolean;
}

type Plain = Readonly<Record<string, unknown>>;

/**
 * Read a stored output as a card. It comes from a notebook that anyone may have written, so nothing in it is believed:
 * what is not text where text belongs becomes empty. Returns null when it is not a card of version 1.
 */
export function readCard(data: unknown): ICard | null {
  const card = plain(data);
  const outcome = OUTCOMES.find(word => word === card['outcome']);
  if (card['version'] !== 1 || outcome === undefined) {
    return null;
  }
  const evidence = plain(card['evidence']);
  const columns = list(card['columns']).slice(0, MOST.columns).map(column);
  const rows = list(card['rows']).slice(0, Math.floor(MOST.cells / Math.max(1, columns.length)));
  const rowCount = card['rowCount'];
  return {
    run: text(card['run']),
    outcome,
    badge: BADGES[outcome],
    title: text(card['title']),
    what: text(card['what']),
    why: texts(card['why']),
    next: text(card['next']),
    changes: texts(card['changes']),
    columns,
    rows: rows.map(row => cells(row, columns.length)),
    rowCount: typeof rowCount === 'number' ? rowCount : null,
    truncated: card['truncated'] === true,
    lineage: texts(plain(card['lineage'])['words']),
    evidence: {
      path: text(evidence['path']),
      digest: text(evidence['digest'])
    },
    question: text(card['question']),
    sql: text(card['sql']),
    notices: texts(card['notices']),
    cut:
      rows.length < list(card['rows']).length ||
      columns.length < list(card['columns']).length ||
      [card['why'], card['changes'], card['notices'], plain(card['lineage'])['words']].some(isLong) ||
      [card['sql'], card['question']].some(isLong)
  };
}

function plain(value: unknown): Plain {
  return typeof value === 'object' && value !== null ? (value as Plain) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a list or a text is longer than what of it is shown. */
function isLong(value: unknown): boolean {
  return typeof value === 'string' ? value.length > MOST.characters : list(value).length > MOST.items;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MOST.characters) : '';
}

function texts(value: unknown): string[] {
  return list(value).slice(0, MOST.items).map(text).filter(Boolean);
}

function column(value: unknown): IColumn {
  const found = plain(value);
  return {
    name: text(found['name']),
    type: text(found['type']),
    masked: found['masked'] === true,
    numeric: found['numeric'] === true
  };
}

/** As many cells as there are columns, so that a torn row cannot shift values under another column's name. */
function cells(row: unknown, count: number): (string | null)[] {
  const found = list(row);
  return Array.from({ length: count }, (_, place) =>
    typeof found[place] === 'string' ? (found[place] as string) : null
  );
}

/** A cell's first line that hands the rest to AUREUS. */
const FIRST_LINE = /^\s*%%aureus(?=\s|$)/;

/** What SQL starts with, after comments. `show` is not here: "show me ..." is a question far more often. */
const SQL_START =
  /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*(?:select|with|from|values|pivot|summarize|describe|\()/i;

/** Whether a cell with this first line is ours. */
export function isGoverned(firstLine: string): boolean {
  return FIRST_LINE.test(firstLine);
}

/** Where the body of a governed cell starts and whether it is SQL, for colours only: the kernel decides for itself. */
export function bodyOf(source: string): { start: number; sql: boolean } | null {
  const end = source.indexOf('\n');
  const first = end < 0 ? source : source.slice(0, end);
  if (end < 0 || !isGoverned(first)) {
    return null;
  }
  const forced = /\s--as[=\s]+(sql|question)\b/.exec(first)?.[1];
  const sql = forced ? forced === 'sql' : SQL_START.test(source.slice(end + 1));
  return { start: end + 1, sql };
}

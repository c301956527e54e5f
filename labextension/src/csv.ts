import type { ICard } from './card';

/**
 * The shown rows as CSV (RFC 4180, CRLF line ends). NULL is an empty field, an empty text is `""`.
 * A text cell that a spreadsheet would run as a formula gets an apostrophe in front (OWASP, CSV injection).
 */
export function toCsv(card: ICard): string {
  const lines = [card.columns.map(column => field(harmless(column.name)))];
  for (const row of card.rows) {
    lines.push(
      card.columns.map((column, place) => {
        const value = row[place] ?? null;
        if (value === null) {
          return '';
        }
        return field(column.numeric && NUMBER.test(value) ? value : harmless(value));
      })
    );
  }
  return lines.map(line => line.join(',') + '\r\n').join('');
}

const NUMBER = /^-?\d[\d.]*(e[+-]?\d+)?$/i;

function harmless(value: string): string {
  return /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

function field(value: string): string {
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

import { JSDOM } from 'jsdom';

/** Give the view a document to build elements in, as a browser would. */
export function browserDocument(): Document {
  const { window } = new JSDOM('<!doctype html><title>test</title>');
  Object.assign(globalThis, { document: window.document });
  return window.document;
}

/** A run as the kernel sends it, with what a test changes. */
export function runJson(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: 1,
    run: '20261127T050000Z-abc',
    outcome: 'masked',
    badge: { icon: '◐', word: 'Masked' },
    title: '2 rows from loans',
    what: 'ana read loans for the purpose risk. Policy changed what you see.',
    why: [],
    next: '',
    changes: ['email is masked'],
    columns: [
      { name: 'email', type: 'VARCHAR', masked: true, numeric: false },
      { name: 'amount', type: 'DECIMAL(18,2)', masked: false, numeric: true }
    ],
    rows: [
      ['a***', '10.50'],
      [null, '-3.00']
    ],
    rowCount: 2,
    truncated: false,
    lineage: { words: ['email: masked from loans.email'], edges: [['loans', 'email']] },
    evidence: { path: 'demo.aureus/runs/20261127T050000Z-abc', digest: 'sha256:12ab…' },
    question: '',
    sql: '',
    notices: [],
    ...changes
  };
}

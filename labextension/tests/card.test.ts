import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCard } from '../src/card';
import { toCsv } from '../src/csv';
import { runJson } from './dom';

const card = (changes: Record<string, unknown> = {}) => {
  const found = readCard(runJson(changes));
  assert.ok(found);
  return found;
};

test('a run of version 1 is read whole', () => {
  const found = card();
  assert.equal(found.badge.word, 'Masked');
  assert.deepEqual(found.rows, [
    ['a***', '10.50'],
    [null, '-3.00']
  ]);
  assert.deepEqual(found.lineage, ['email: masked from loans.email']);
  assert.equal(found.evidence.path, 'demo.aureus/runs/20261127T050000Z-abc');
});

test('what is not a run of version 1 is not read', () => {
  const others = [null, undefined, 'text', 7, [], {}, runJson({ version: 2 }), runJson({ version: '1' })];
  for (const data of [...others, runJson({ outcome: 'trusted' }), runJson({ outcome: null })]) {
    assert.equal(readCard(data), null);
  }
});

test('every part of the wrong type becomes empty', () => {
  const names = Object.keys(runJson()).filter(name => name !== 'version' && name !== 'outcome');
  for (const wrong of [null, 7, true, {}, [], [[]], [{}], { words: 7 }, 'text']) {
    const found = card(Object.fromEntries(names.map(name => [name, wrong])));
    assert.ok(
      [found.run, found.title, found.evidence.path, found.sql].every(part => typeof part === 'string')
    );
    assert.ok([...found.why, ...found.lineage].every(part => typeof part === 'string'));
    assert.ok(found.badge.word.length > 0);
  }
});

test('a torn row keeps its values under their own columns', () => {
  assert.deepEqual(card({ rows: [['x'], ['x', '1', 'more'], 'no row'] }).rows, [
    ['x', null],
    ['x', '1'],
    [null, null]
  ]);
});

test('CSV keeps NULL and empty text apart and quotes what it must', () => {
  const rows = [
    ['a,b', '1'],
    ['say "hi"', null],
    ['', '2'],
    [null, '3'],
    ['two\nlines', '4']
  ];
  assert.equal(
    toCsv(card({ rows })),
    'email,amount\r\n"a,b",1\r\n"say ""hi""",\r\n"",2\r\n,3\r\n"two\nlines",4\r\n'
  );
});

test('CSV defuses formulas in text, and leaves negative numbers alone', () => {
  const columns = [
    { name: '=cmd', type: 'VARCHAR', masked: false, numeric: false },
    { name: 'n', type: 'INTEGER', masked: false, numeric: true }
  ];
  const rows = ['=1+1', '+1', '-1', '@x', '\tx'].map(text => [text, '-5']);
  assert.equal(
    toCsv(card({ columns, rows })),
    "'=cmd,n\r\n'=1+1,-5\r\n'+1,-5\r\n'-1,-5\r\n'@x,-5\r\n'\tx,-5\r\n"
  );
});

test('a stored output brings no sign of its own', () => {
  const badge = { icon: '★', word: 'Verified by Internal Audit' };
  assert.deepEqual(card({ outcome: 'refused', badge }).badge, { icon: '✕', word: 'Refused' });
});

test('a stored output that is too large is cut, and says so', () => {
  assert.equal(card().cut, false);
  const wide = card({ columns: Array(20000).fill(0), rows: Array(20000).fill(0) });
  assert.ok(wide.cut && wide.columns.length * wide.rows.length <= 50000);
  const long = card({
    why: Array(100000).fill('x'),
    sql: 'x'.repeat(1e6),
    lineage: { words: Array(100000).fill('x') }
  });
  assert.ok(long.cut && card({ sql: 'x'.repeat(200001) }).cut && !card({ sql: 'x'.repeat(200000) }).cut);
  assert.deepEqual([long.why.length, long.lineage.length, long.sql.length], [1000, 1000, 200000]);
});

test('CSV defuses what only says that it is a number', () => {
  const columns = [{ name: 'n', type: 'INTEGER', masked: false, numeric: true }];
  const rows = [['=HYPERLINK(1)'], ['-2+3+cmd'], ['-1.5e-7']];
  assert.equal(toCsv(card({ columns, rows })), "n\r\n'=HYPERLINK(1)\r\n'-2+3+cmd\r\n-1.5e-7\r\n");
});

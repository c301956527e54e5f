import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { readCard } from '../src/card';
import { cardView, countOf, type IWords } from '../src/view';
import { browserDocument, runJson } from './dom';

const trans: IWords = {
  __: (text, ...values) => values.reduce((done, value, place) => done.replace(`%${place + 1}`, value), text)
};

const nothing = () => undefined;

function show(
  changes: Record<string, unknown> = {},
  copy: (status: HTMLElement) => void = nothing
): HTMLElement {
  const card = readCard(runJson(changes));
  assert.ok(card);
  const view = cardView(card, trans, copy);
  document.body.replaceChildren(view.node);
  return view.node;
}

const words = (node: ParentNode, selector: string) =>
  [...node.querySelectorAll(selector)].map(found => found.textContent);

beforeEach(() => void browserDocument());

test('the badge is an icon for the eye and a word for everyone', () => {
  const node = show();
  assert.deepEqual(words(node, '.jp-AureusRun-badge'), ['◐ Masked']);
  assert.equal(node.querySelector('.jp-AureusRun-icon')?.getAttribute('aria-hidden'), 'true');
  assert.equal(node.getAttribute('aria-label'), 'AUREUS run: Masked');
  assert.ok(node.classList.contains('jp-AureusRun-masked'));
});

test('a card is a heading to a screen reader and none to the table of contents, and its lists have names', () => {
  const node = show({ outcome: 'refused', why: ['no purpose'], changes: ['email is hidden'] });
  const heading = node.querySelector('[role=heading]');
  assert.equal(heading?.getAttribute('aria-level'), '3');
  assert.equal(node.querySelector('h1, h2, h3, h4, h5, h6'), null);
  const names = [...node.querySelectorAll('ul')].map(list => list.getAttribute('aria-label'));
  assert.deepEqual(names.slice(0, 2), ['Why', 'What policy changed']);
});

test('it says what happened, why, what policy changed and what to do, and leaves out what there is not', () => {
  const told = {
    outcome: 'refused',
    badge: { icon: '✕', word: 'Refused' },
    why: ['no purpose (policy purpose)'],
    next: 'Add --purpose.',
    columns: [],
    rows: []
  };
  const node = show(told);
  assert.match(node.textContent ?? '', /no purpose \(policy purpose\)/);
  assert.match(node.textContent ?? '', /What to do: Add --purpose\./);
  assert.equal(node.querySelector('table'), null);
  assert.equal(node.querySelector('button'), null);
  assert.doesNotMatch(show().textContent ?? '', /What to do|Why|Question/);
});

test('the table has a caption, column headers with a scope, numbers to the right and nulls marked', () => {
  const node = show();
  assert.deepEqual(words(node, 'th[scope=col]'), ['email (masked)', 'amount']);
  assert.deepEqual(words(node, '.jp-AureusRun-number'), ['amount', '10.50', '-3.00']);
  assert.deepEqual(words(node, 'td em'), ['null']);
  assert.deepEqual(words(node, 'caption'), ['2 rows.']);
});

test('the count tells what is shown, what there is, and that a cap cut', () => {
  const counted = (changes: Record<string, unknown>) => {
    const card = readCard(runJson(changes));
    return card && countOf(card, trans);
  };
  assert.equal(counted({ rowCount: 12345 }), '2 of 12,345 rows shown.');
  assert.equal(counted({ rowCount: null }), '2 rows.');
  assert.equal(counted({ rows: [['1']], rowCount: 1 }), '1 row.');
  assert.equal(counted({ truncated: true }), '2 rows. A cap cut the result.');
});

test('text from the notebook is never read as HTML', () => {
  const bad = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';
  const node = show({
    badge: { icon: bad, word: bad },
    title: bad,
    what: bad,
    why: [bad],
    next: bad,
    changes: [bad],
    columns: [{ name: bad, type: bad, masked: true, numeric: false }],
    rows: [[bad]],
    lineage: { words: [bad] },
    evidence: { path: bad, digest: bad },
    question: bad,
    sql: bad,
    notices: [bad]
  });
  assert.equal(node.querySelectorAll('img, script, a, iframe, [onerror]').length, 0);
  assert.equal(words(node, 'td')[0], bad);
  assert.equal((globalThis as Record<string, unknown>)['hacked'], undefined);
});

test('what scrolls can be reached from the keyboard and has a name', () => {
  const regions = [...show({ sql: 'select 1' }).querySelectorAll<HTMLElement>('[role=region]')];
  assert.deepEqual(
    regions.map(region => [region.tabIndex, region.getAttribute('aria-label')]),
    [
      [0, 'Result'],
      [0, 'SQL']
    ]
  );
});

test('the copy button is a button and its answer is announced', () => {
  let told: HTMLElement | null = null;
  const node = show({}, status => {
    told = status;
  });
  const button = node.querySelector('button');
  assert.equal(button?.getAttribute('type'), 'button');
  button?.click();
  assert.equal(told, node.querySelector('[role=status]'));
});

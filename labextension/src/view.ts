import type { ICard } from './card';

/** The one thing of a translation bundle that is needed here. */
export interface IWords {
  __(text: string, ...values: string[]): string;
}

/** A card's element, and the place where its evidence is named, for the link to be put in later. */
export interface ICardView {
  readonly node: HTMLElement;
  readonly evidence: HTMLElement | null;
}

type Child = Node | string;

/**
 * Build a card out of elements and text. No text is ever read as HTML: that is what lets the renderer call itself safe.
 * `copy` is called with a button's element when its reader wants the rows.
 */
export function cardView(card: ICard, trans: IWords, copy: (status: HTMLElement) => void): ICardView {
  const words = card.badge.word;
  const node = element('section', `run ${card.outcome}`, heading(card));
  node.setAttribute('aria-label', trans.__('AUREUS run: %1', words));
  card.notices.forEach(notice => node.append(element('p', 'notice', notice)));
  if (card.cut) {
    node.append(
      element(
        'p',
        'notice',
        trans.__('The stored output holds more than can be shown; the rest is left out.')
      )
    );
  }
  if (card.question) {
    node.append(labelled(trans.__('Question'), card.question));
  }
  if (card.what) {
    node.append(element('p', '', card.what));
  }
  node.append(...bullets(trans.__('Why'), card.why));
  node.append(...bullets(trans.__('What policy changed'), card.changes));
  if (card.next) {
    node.append(labelled(trans.__('What to do'), card.next));
  }
  if (card.columns.length > 0) {
    node.append(scrolled(trans.__('Result'), table(card, trans)));
    node.append(tableActions(trans, copy));
  }
  if (card.sql) {
    node.append(scrolled(trans.__('SQL'), element('pre', 'sql', card.sql)));
  }
  if (card.lineage.length > 0) {
    node.append(folded(trans.__('Where the columns come from'), card.lineage));
  }
  const evidence = card.evidence.path ? element('span', 'path', card.evidence.path) : null;
  if (evidence) {
    const digest = element('code', 'digest', card.evidence.digest);
    node.append(element('p', 'evidence', trans.__('Evidence:'), ' ', evidence, ' ', digest));
  }
  return { node, evidence };
}

/** How many rows are shown out of how many, in words. */
export function countOf(card: ICard, trans: IWords): string {
  const shown = card.rows.length.toLocaleString('en');
  const total = Math.max(card.rowCount ?? 0, card.rows.length).toLocaleString('en');
  const all = total === '1' ? trans.__('1 row.') : trans.__('%1 rows.', total);
  const words = shown === total ? all : trans.__('%1 of %2 rows shown.', shown, total);
  return card.truncated ? `${words} ${trans.__('A cap cut the result.')}` : words;
}

function heading(card: ICard): HTMLElement {
  const icon = element('span', 'icon', card.badge.icon);
  icon.setAttribute('aria-hidden', 'true');
  const badge = element('span', 'badge', icon, ' ', card.badge.word);
  const line = element('p', 'heading', badge, ' ', element('strong', 'title', card.title));
  // A heading to a screen reader, but no <h3>: JupyterLab would put every card into the notebook's table of contents.
  line.setAttribute('role', 'heading');
  line.setAttribute('aria-level', '3');
  return line;
}

function table(card: ICard, trans: IWords): HTMLElement {
  const head = element('tr', '');
  for (const column of card.columns) {
    const name = column.masked ? trans.__('%1 (masked)', column.name) : column.name;
    const cell = element('th', column.numeric ? 'number' : '', name);
    cell.setAttribute('scope', 'col');
    cell.title = column.type;
    head.append(cell);
  }
  const body = element('tbody', '');
  for (const row of card.rows) {
    const line = element('tr', '');
    row.forEach((value, place) => {
      const shown = value === null ? element('em', 'null', 'null') : value;
      line.append(element('td', card.columns[place]?.numeric ? 'number' : '', shown));
    });
    body.append(line);
  }
  const caption = element('caption', '', countOf(card, trans));
  return element('table', 'table', caption, element('thead', '', head), body);
}

function tableActions(trans: IWords, copy: (status: HTMLElement) => void): HTMLElement {
  const status = element('span', 'status');
  status.setAttribute('role', 'status');
  const button = element('button', 'button', trans.__('Copy as CSV'));
  button.setAttribute('type', 'button');
  button.addEventListener('click', () => copy(status));
  return element('p', 'actions', button, ' ', status);
}

/** A part that scrolls by itself: it can be reached and scrolled from the keyboard, and has a name. */
function scrolled(name: string, child: HTMLElement): HTMLElement {
  const region = element('div', 'scroll', child);
  region.setAttribute('role', 'region');
  region.setAttribute('aria-label', name);
  region.tabIndex = 0;
  return region;
}

function labelled(name: string, words: string): HTMLElement {
  return element('p', '', element('strong', '', `${name}:`), ' ', words);
}

function bullets(name: string, items: readonly string[]): HTMLElement[] {
  if (items.length === 0) {
    return [];
  }
  return [element('p', 'label', element('strong', '', name)), itemList(name, items)];
}

function folded(name: string, items: readonly string[]): HTMLElement {
  return element('details', 'details', element('summary', '', name), itemList(name, items));
}

/** A list that says its name by itself, to a reader that moves from list to list. */
function itemList(name: string, items: readonly string[]): HTMLElement {
  const found = element('ul', 'list', ...items.map(item => element('li', '', item)));
  found.setAttribute('aria-label', name);
  return found;
}

/** An element with our classes (`run masked` is `jp-AureusRun jp-AureusRun-masked`) and its children; text stays text. */
export function element(tag: string, classes: string, ...children: Child[]): HTMLElement {
  const node = document.createElement(tag);
  for (const name of classes.split(' ').filter(Boolean)) {
    node.classList.add(name === 'run' ? 'jp-AureusRun' : `jp-AureusRun-${name}`);
  }
  node.append(...children);
  return node;
}

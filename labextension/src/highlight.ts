import { LRLanguage, StreamLanguage } from '@codemirror/language';
import { Compartment, Prec, type Extension } from '@codemirror/state';
import { ViewPlugin, type EditorView } from '@codemirror/view';
import { parseMixed } from '@lezer/common';

import { bodyOf, isGoverned } from './cell';

/** The language of a governed cell: its first line as before, its body as SQL, or as words without colours. */
export async function governedLanguage(): Promise<LRLanguage> {
  const [{ pythonLanguage }, { PostgreSQL }] = await Promise.all([
    import('@codemirror/lang-python'),
    import('@codemirror/lang-sql')
  ]);
  const words = StreamLanguage.define<null>({
    name: 'aureus-question',
    token: stream => {
      stream.skipToEnd();
      return null;
    }
  });
  const wrap = parseMixed((node, input) => {
    const body = node.type.isTop ? bodyOf(input.read(0, input.length)) : null;
    if (body === null || body.start >= input.length) {
      return null;
    }
    const parser = (body.sql ? PostgreSQL.language : words).parser;
    return { parser, overlay: [{ from: body.start, to: input.length }] };
  });
  return LRLanguage.define({ name: 'aureus', parser: pythonLanguage.parser.configure({ wrap }) });
}

/**
 * Give an editor the governed language while its first line says so, and its own language otherwise.
 * `load` is called when the first such cell is seen.
 */
export function followFirstLine(load: () => Promise<Extension>): Extension {
  const language = new Compartment();
  const plugin = ViewPlugin.define(view => {
    let governed = false;
    let gone = false;
    const follow = (view: EditorView) => {
      const wanted = isGoverned(view.state.doc.line(1).text);
      if (wanted === governed) {
        return;
      }
      governed = wanted;
      void (wanted ? load() : Promise.resolve([])).then(extension => {
        // The text may have changed, or the editor gone, while the language was loading.
        if (!gone && governed === wanted) {
          view.dispatch({ effects: language.reconfigure(extension) });
        }
      });
    };
    follow(view);
    return {
      update: update => {
        if (update.docChanged) {
          follow(update.view);
        }
      },
      destroy: () => {
        gone = true;
      }
    };
  });
  return [Prec.high(language.of([])), plugin];
}

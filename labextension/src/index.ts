import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import { EditorExtensionRegistry, IEditorExtensionRegistry } from '@jupyterlab/codemirror';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Extension } from '@codemirror/state';

import { MIME_TYPE, readCard, type ICard } from './card';
import { evidencePath } from './evidence';
import { followFirstLine, governedLanguage } from './highlight';

const OPEN_EVIDENCE = 'aureus:open-evidence';

/** Colours the body of a %%aureus cell as SQL, or as plain words when it is a question. */
const highlighting: JupyterFrontEndPlugin<void> = {
  id: '@aureus/lab:highlighting',
  description: 'Highlights SQL in %%aureus cells.',
  autoStart: true,
  requires: [IEditorExtensionRegistry],
  activate: (_: JupyterFrontEnd, registry: IEditorExtensionRegistry) => {
    let loading: Promise<Extension> | null = null;
    const extension = followFirstLine(() => (loading ??= governedLanguage()));
    registry.addExtension({
      name: 'aureus-highlighting',
      factory: () => EditorExtensionRegistry.createImmutableExtension(extension)
    });
  }
};

/** A command that opens the evidence of the selected cell's run. */
const evidence: JupyterFrontEndPlugin<void> = {
  id: '@aureus/lab:evidence',
  description: 'Opens the evidence of the selected cell.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('aureus_jupyter');
    app.commands.addCommand(OPEN_EVIDENCE, {
      label: trans.__('Show Evidence of This Cell'),
      caption: trans.__('Open the evidence that the selected %%aureus cell left beside the notebook'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => selectedCard(notebooks) !== null,
      execute: async () => {
        const card = selectedCard(notebooks);
        const panel = notebooks.currentWidget;
        const path = card && panel && (await pathOf(card, panel));
        if (path) {
          await app.commands.execute('docmanager:open', { path, factory: 'Markdown Preview' });
        } else {
          await showErrorMessage(
            trans.__('The evidence is not shown'),
            trans.__('This cell has none, or it lies outside the folder that Jupyter shows.')
          );
        }
      }
    });
    palette?.addItem({ command: OPEN_EVIDENCE, category: trans.__('AUREUS') });
    // Whether there is evidence changes with the cell and with what it put out.
    notebooks.activeCellChanged.connect(() => app.commands.notifyCommandChanged(OPEN_EVIDENCE));
  }
};

/** The run that the selected cell put out last, if it put out one. */
function selectedCard(notebooks: INotebookTracker): ICard | null {
  const model = notebooks.activeCell?.model.sharedModel;
  if (model?.cell_type !== 'code') {
    return null;
  }
  const outputs = model.toJSON().outputs as { data?: Record<string, unknown> }[];
  const cards = outputs.map(output => readCard(output.data?.[MIME_TYPE]));
  return cards.filter(card => card !== null).at(-1) ?? null;
}

function pathOf(card: ICard, panel: NotebookPanel): Promise<string | null> {
  return evidencePath(card.evidence.path, panel.content.rendermime.resolver);
}

export default [highlighting, evidence];

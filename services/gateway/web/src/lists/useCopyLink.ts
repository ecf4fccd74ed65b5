import { useLocation } from "react-router";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { common, useText } from "@/i18n";
import { listText } from "./messages";

/**
 * Says a query for somebody else: ids for what was typed, whose it is instead of *mine*. False: it can't be said yet;
 * `nobody`: it means nobody, and without that text the link would show everybody.
 */
export type ForOthers = (query: URLSearchParams) => unknown;

/** Copies the link of this path of the page. */
export function useCopy(): (path: string) => Promise<void> {
  const lists = useText(listText);
  const { tell } = useUndo();
  return async path => {
    const link = location.origin + path;
    // Without https a browser has no clipboard: then the link is there to be copied by hand.
    const isCopied = await navigator.clipboard?.writeText(link).then(
      () => true,
      () => false,
    );
    tell({ text: isCopied ? lists.copied : link });
  };
}

/** `y` copies the address with filter, item and tab. What stands behind `#` stays here: it may be a phone number. */
export function useCopyLink(forOthers?: ForOthers): void {
  const shared = useText(common);
  const lists = useText(listText);
  const { pathname, search } = useLocation();
  const { tell } = useUndo();
  const copy = useCopy();
  const run = async (): Promise<void> => {
    const query = new URLSearchParams(search);
    const can = forOthers?.(query);
    if (can === "nobody") {
      tell({ text: lists.nothingToCopy });
    }
    if (can === "nobody" || can === false) {
      return;
    }
    const said = query.toString().replaceAll("%2C", ",");
    await copy(pathname + (said && `?${said}`));
  };
  useShortcuts([{ keys: "y", label: shared.action.copyLink, group: shared.shortcuts.item, run: () => void run() }]);
}

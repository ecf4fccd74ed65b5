import { useLocation, useNavigate, useParams } from "react-router";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { common, useText } from "@/i18n";
import { listText } from "./messages";

interface Listed {
  /** Ids in the order in which they are shown. */
  ids: readonly string[];
  /** The row the keys stand on. */
  current: string | undefined;
  onCurrent: (id: string) => void;
}

export interface OpenItem {
  opened: string | undefined;
  /** Opens an item beside the list, or closes what is open; the filter stays as it is. */
  show: (id: string | undefined) => void;
}

/**
 * The item of a list that is open: `/alerts/<id>`, or `?item=<id>` beside the filter. With its keys: why, previous and
 * next, copy the link.
 */
export function useOpenItem(path: "/alerts" | "/work", { ids, current, onCurrent }: Listed): OpenItem {
  const shared = useText(common);
  const lists = useText(listText);
  const navigate = useNavigate();
  const { search, hash } = useLocation();
  const { id: inPath } = useParams();
  const { tell } = useUndo();
  const opened = inPath ?? new URLSearchParams(search).get("item") ?? undefined;

  const show = (id: string | undefined): void => {
    const query = new URLSearchParams(search);
    query.delete("item");
    const rest = query.toString().replaceAll("%2C", ",");
    const item = id ? `item=${encodeURIComponent(id)}` : "";
    void navigate({ pathname: path, search: [rest, item].filter(Boolean).join("&"), hash });
  };
  const step = (by: number): void => {
    const next = ids[ids.indexOf(opened ?? "") + by];
    if (next !== undefined) {
      onCurrent(next);
      show(next);
    }
  };
  const group = shared.shortcuts.item;
  useShortcuts([
    {
      keys: "w",
      label: shared.action.why,
      group,
      run: () => {
        const id = opened ?? current;
        return id ? void navigate(`/why/${encodeURIComponent(id)}`) : false;
      },
    },
    { keys: "[", label: shared.shortcuts.previous, group, run: () => (opened ? step(-1) : false) },
    { keys: "]", label: shared.shortcuts.next, group, run: () => (opened ? step(1) : false) },
    {
      keys: "y",
      label: shared.action.copyLink,
      group,
      run: () => {
        const id = opened ?? current;
        const to = id ? `${path}/${encodeURIComponent(id)}` : `${path}${search}`;
        void navigator.clipboard?.writeText(location.origin + to).then(() => tell({ text: lists.copied }));
      },
    },
  ]);
  return { opened, show };
}

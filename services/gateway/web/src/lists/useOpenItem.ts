import { useLocation, useNavigate, useParams } from "react-router";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import { type ForOthers, useCopyLink } from "./useCopyLink";

interface Listed {
  /** Ids in the order in which they are shown. */
  ids: readonly string[];
  /** The row the keys stand on. */
  current: string | undefined;
  onCurrent: (id: string) => void;
  forOthers: ForOthers;
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
export function useOpenItem(path: "/alerts" | "/work", { ids, current, onCurrent, forOthers }: Listed): OpenItem {
  const shared = useText(common);
  const navigate = useNavigate();
  const { search, hash } = useLocation();
  const { id: inPath } = useParams();
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
  ]);
  useCopyLink(forOthers);
  return { opened, show };
}

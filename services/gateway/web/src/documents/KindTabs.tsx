import { Segmented, Select } from "antd";
import { useNavigate } from "react-router";
import { useBreadth } from "@/habits/element";
import { useText } from "@/i18n";
import { useMay } from "@/session/rights";
import { KINDS } from "./kinds";
import { documentsText } from "./messages";

/** Boards beside the documents: what is stopped, what waits for a release. */
export const BOARDS = ["stops", "releases"] as const;

/** Which kind of document one looks at; each has its own address. */
export function KindTabs({ current }: { current: string }) {
  const t = useText(documentsText);
  const navigate = useNavigate();
  const mayChange = useMay("rules", "change");
  const isWide = useBreadth() === "desktop";
  const places = [
    ...KINDS.filter(row => mayChange || !row.isForEditors).map(({ kind, path }) => ({ value: kind as string, path })),
    ...BOARDS.map(board => ({ value: board as string, path: `/documents/${board}` })),
  ];
  const options = places.map(({ value }) => ({ value, label: t.kinds[value as keyof typeof t.kinds] }));
  const go = (value: string): void => void navigate(places.find(each => each.value === value)?.path ?? "/rules");
  return isWide ? (
    <Segmented aria-label={t.switchKind} value={current} options={options} onChange={go} />
  ) : (
    <Select aria-label={t.switchKind} value={current} options={options} popupMatchSelectWidth={false} onChange={go} />
  );
}

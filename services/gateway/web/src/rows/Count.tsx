import { Button } from "antd";
import { number } from "@/format";
import { useText } from "@/i18n";
import type { RowsAsked } from "./address";
import { rowsText } from "./messages";

interface Props {
  /** What is counted, for who does not see where it stands. */
  label: string;
  asked: RowsAsked & { count: number };
  onOpen: (asked: RowsAsked) => void;
  children?: React.ReactNode;
}

/** A number that opens exactly the rows it counts. */
export function Count({ label, asked, onOpen, children }: Props) {
  const t = useText(rowsText);
  return (
    <Button
      type="link"
      size="small"
      className="kam-number"
      disabled={asked.count === 0}
      aria-label={t.rows(label, asked.count)}
      onClick={() => onOpen(asked)}
    >
      {children ?? number(asked.count)}
    </Button>
  );
}

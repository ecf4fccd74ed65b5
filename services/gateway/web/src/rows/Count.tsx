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
  /** What is shown instead of the count: a share, an amount. */
  shown?: string;
  className?: string;
}

/** A number that opens exactly the rows it counts. */
export function Count({ label, asked, onOpen, shown, className }: Props) {
  const t = useText(rowsText);
  return (
    <Button
      type="link"
      size="small"
      className="kam-number"
      disabled={asked.count === 0}
      aria-label={t.rows(shown ? `${label} ${shown}` : label, asked.count)}
      onClick={event => {
        // What the number stands in may be chosen by a click: not by this one.
        event.stopPropagation();
        onOpen(asked);
      }}
    >
      <span className={className}>{shown ?? number(asked.count)}</span>
    </Button>
  );
}

import { money } from "@/format";

/** Integer fen as `¥1,234.56`; what is not known is `—`. */
export function Money({ fen }: { fen: number | null | undefined }) {
  return <span className="kam-number">{money(fen)}</span>;
}

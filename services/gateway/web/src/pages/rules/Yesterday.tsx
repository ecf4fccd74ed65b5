import { Link } from "react-router";
import { number } from "@/format";

/** Alerts of yesterday; the number leads to exactly these. */
export function Yesterday({ of, link }: { of: number | undefined; link: string }) {
  return of ? (
    <Link to={link} className="kam-number" onClick={event => event.stopPropagation()}>
      {number(of)}
    </Link>
  ) : (
    <span className="kam-number">{number(of)}</span>
  );
}

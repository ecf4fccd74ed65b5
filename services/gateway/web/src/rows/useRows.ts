import { useMemo } from "react";
import { useLocation, useNavigate } from "react-router";
import { type RowsAsked, readRows, writeRows } from "./address";

export interface OpenedRows {
  asked: RowsAsked | undefined;
  open: (asked: RowsAsked) => void;
  close: () => void;
}

/** The rows that are open beside a page of numbers; they stand in the address, so that a copied link opens them too. */
export function useRows(): OpenedRows {
  const { pathname, search, hash } = useLocation();
  const navigate = useNavigate();
  const asked = useMemo(() => readRows(new URLSearchParams(search).get("at")), [search]);
  const go = (at: string | null): void => {
    const query = new URLSearchParams(search);
    if (at === null) {
      query.delete("at");
    } else {
      query.set("at", at);
    }
    void navigate({ pathname, search: query.toString().replaceAll("%2C", ","), hash });
  };
  return { asked, open: rows => go(writeRows(rows)), close: () => go(null) };
}

import { useEffect, useRef, useState } from "react";

/** A screen reader is told at most so often, in ms. */
const EVERY_MS = 20_000;

/** `text` as it is to be announced: its changes no more often than people can listen. */
export function useAnnounced(text: string, every = EVERY_MS): string {
  const [told, setTold] = useState("");
  const last = useRef(0);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        last.current = Date.now();
        setTold(text);
      },
      Math.max(0, last.current + every - Date.now()),
    );
    return () => clearTimeout(timer);
  }, [text, every]);
  return told;
}

import type { Part } from "@/alerts/sentence";

/** A sentence with its numbers in bold, never broken over lines. */
export function Sentence({ parts }: { parts: readonly Part[] }) {
  return (
    <>
      {parts.map((part, at) =>
        typeof part === "string" ? (
          part
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
          <b key={at} className="kam-value">
            {part.value}
          </b>
        ),
      )}
    </>
  );
}

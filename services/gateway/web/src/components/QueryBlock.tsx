import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { BlockError } from "./BlockError";

interface Props<T> {
  query: UseQueryResult<T>;
  /** The block as a noun, for its error. */
  what: string;
  skeleton: ReactNode;
  /** Shown instead of the children where it gives something: the empty state. */
  empty?: (data: T) => ReactNode;
  children: (data: T) => ReactNode;
}

/** A block of a page with its own skeleton, error, retry and empty state; what it showed before stays when a refresh fails. */
export function QueryBlock<T>({ query, what, skeleton, empty, children }: Props<T>) {
  const { data, error, isPending, refetch } = query;
  const failure = error && <BlockError what={what} error={error} retry={() => void refetch()} />;
  if (isPending) {
    return skeleton;
  }
  if (data === undefined) {
    return failure;
  }
  return (
    <>
      {failure}
      {empty?.(data) || children(data)}
    </>
  );
}

/** Where to go after signing in: an address of our own page. Anything else a link may carry leads to the first page. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith("/") || /[\\\s]/.test(next)) {
    return "/";
  }
  const there = new URL(next, location.origin);
  return there.origin === location.origin && there.pathname !== "/signin"
    ? there.pathname + there.search + there.hash
    : "/";
}

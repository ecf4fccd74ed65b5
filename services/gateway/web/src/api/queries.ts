import { QueryCache, QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

/** Seconds a read is taken as it is; live messages refresh sooner. */
const FRESH = 10;

/** Refusals are final; silence and overload are worth a second try. */
function isWorthAnotherTry(failures: number, error: Error): boolean {
  const status = error instanceof Problem ? error.status : 0;
  return failures < 2 && (status === 0 || status === 429 || status >= 500);
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    // What the person may not see any more goes, also where it was read before.
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (error instanceof Problem && error.isOutOfSight && query.state.data !== undefined) {
          query.setState({ data: undefined });
        }
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: FRESH * 1000,
        retry: isWorthAnotherTry,
        retryDelay: (attempt, error) =>
          Math.min(((error as Problem).retryAfter ?? 0) * 1000 || 500 * 2 ** attempt, 10_000),
        refetchOnWindowFocus: true,
      },
      mutations: { retry: false },
    },
  });
}

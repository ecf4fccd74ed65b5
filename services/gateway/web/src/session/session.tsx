import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useMemo, useRef, useState } from "react";
import { onSessionEnd } from "@/api/transport";
import { forgetDrafts } from "@/habits/drafts";
import { setOwner } from "@/habits/owner";
import { LEAVE_SINGLE_SIGN_ON, signOut as leave, type Me, whoAmI } from "./api";

/** Opened when a session ends in the middle of work; most people never load it. */
const SignInOver = lazy(() => import("./SignInOver"));
const WHO = ["session"] as const;

interface Session {
  me: Me | null;
  /** Not known yet whether anybody is signed in. */
  isPending: boolean;
  error: Error | null;
  retry: () => void;
  signedIn: (me: Me) => void;
  signOut: (everywhere?: boolean) => Promise<void>;
}

const Context = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) {
    throw new Error("useSession outside of SessionProvider");
  }
  return session;
}

/** The person, where the page is only shown to somebody. */
export function useMe(): Me {
  const { me } = useSession();
  if (!me) {
    throw new Error("nobody is signed in");
  }
  return me;
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const { data, isPending, error, refetch } = useQuery({ queryKey: WHO, queryFn: whoAmI, staleTime: 60_000, retry: 1 });
  const [ended, setEnded] = useState(false);
  // Who was signed in stays on their page while they sign in again over it.
  const [known, setKnown] = useState<Me | null>(null);
  // Somebody else signed in, here or in another tab: nothing of what stands on the page is theirs.
  const isAnother = Boolean(data && known && data.staff_no !== known.staff_no);
  if (data && data !== known && !isAnother) {
    setKnown(data);
  }
  const waiting = useRef<{ promise: Promise<void>; resolve: () => void } | null>(null);
  const me = isAnother ? known : (data ?? known);
  setOwner(me?.staff_no);
  const isEnded = known !== null && (ended || data === null);

  useEffect(() => {
    if (isAnother) {
      location.reload();
    }
  }, [isAnother]);

  useEffect(() => {
    // Everybody who meets the ended session waits for the same sign-in.
    onSessionEnd(() => {
      if (!waiting.current) {
        let resolve = (): void => undefined;
        const promise = new Promise<void>(done => {
          resolve = done;
        });
        waiting.current = { promise, resolve };
        setEnded(true);
      }
      return waiting.current.promise;
    });
    return () => onSessionEnd(undefined);
  }, []);

  const session = useMemo<Session>(
    () => ({
      me,
      isPending,
      error,
      retry: () => void refetch(),
      signedIn: person => client.setQueryData(WHO, person),
      signOut: async everywhere => {
        await leave(everywhere);
        forgetDrafts();
        // Nothing of what this person saw stays in memory.
        location.assign(me?.single_sign_on ? LEAVE_SINGLE_SIGN_ON : "/signin");
      },
    }),
    [me, isPending, error, refetch, client],
  );

  const backAgain = (person: Me): void => {
    if (known && person.staff_no !== known.staff_no) {
      location.reload();
      return;
    }
    client.setQueryData(WHO, person);
    setEnded(false);
    waiting.current?.resolve();
    waiting.current = null;
  };

  return (
    <Context value={session}>
      {children}
      {isEnded && (
        <Suspense>
          <SignInOver me={known} onSignedIn={backAgain} />
        </Suspense>
      )}
    </Context>
  );
}

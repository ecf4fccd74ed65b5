import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useRef, useState } from "react";
import { Navigate, Outlet, useLocation, useNavigate } from "react-router";
import { toldRules } from "@/alerts/useTelling";
import { BlockError } from "@/components/BlockError";
import { Boundary } from "@/components/Boundary";
import { later } from "@/components/later";
import { Skeletons } from "@/components/Skeletons";
import { UndoBar } from "@/components/UndoBar";
import { rememberedPath, rememberQuery } from "@/habits/filters";
import { useShortcuts } from "@/habits/shortcuts";
import { UndoProvider } from "@/habits/undo";
import { common, useText } from "@/i18n";
import { useCopyLink } from "@/lists/useCopyLink";
import { LiveProvider } from "@/live/live";
import { OutOfSight } from "@/live/OutOfSight";
import { seenUnits } from "@/places/units";
import { useMe, useSession } from "@/session/session";
import { FollowContacts } from "@/work/contacts";
import styles from "./layout.module.css";
import { Navigation } from "./Navigation";
import { entriesOf, hasLive } from "./pages";
import { TopBar } from "./TopBar";
import { useBadges } from "./useBadges";
import { useBusinessClock } from "./useBusinessClock";

const Help = later(async () => (await import("./Help")).default);
/** Lists whose last filter comes back the next day. */
const LISTS = ["/alerts", "/work", "/customers", "/overview", "/feeds"];

/** Everything around a page, for who is signed in; anybody else is led to the sign-in page and back. */
export function Layout() {
  const { me, isPending, error, retry } = useSession();
  const { pathname, search, hash } = useLocation();
  if (isPending) {
    return null;
  }
  if (error && !me) {
    return <BlockError error={error} retry={retry} />;
  }
  if (!me) {
    return <Navigate replace to={`/signin?next=${encodeURIComponent(pathname + search + hash)}`} />;
  }
  if (me.must_change_password) {
    return <Navigate replace to={`/signin?change&next=${encodeURIComponent(pathname + search)}`} />;
  }
  return (
    <LiveProvider person={hasLive(me.role) ? me.staff_no : undefined}>
      <OutOfSight />
      <FollowContacts />
      <UndoProvider>
        <Frame />
      </UndoProvider>
    </LiveProvider>
  );
}

function Frame() {
  const t = useText(common);
  const { role } = useMe();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const [isHelping, setHelping] = useState(false);
  const businessDay = useBusinessClock();
  const badges = useBadges();
  const main = useRef<HTMLElement>(null);
  useQuery(toldRules);
  useQuery({ ...seenUnits, enabled: role !== "integrator" });

  useEffect(() => {
    if (LISTS.includes(pathname)) {
      rememberQuery(pathname, search);
    }
  }, [pathname, search]);

  useCopyLink();
  useShortcuts([
    ...entriesOf(role).map(entry => ({
      keys: `g ${entry.key}`,
      label: t.nav[entry.name],
      group: t.shortcuts.go,
      run: () => void navigate(rememberedPath(entry.path)),
    })),
    { keys: "?", label: t.shortcuts.help, group: t.shortcuts.go, run: () => setHelping(true) },
  ]);

  return (
    <div className={styles.frame}>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place of the page, which the address need not keep */}
      <a
        className={styles.skip}
        href="#content"
        onClick={event => {
          event.preventDefault();
          main.current?.querySelector<HTMLElement>("h1")?.focus();
        }}
      >
        {t.nav.skip}
      </a>
      <TopBar businessDay={businessDay} />
      <Navigation badges={badges} />
      <main ref={main} id="content" className={styles.main}>
        <Boundary resetKey={pathname}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Boundary>
      </main>
      <UndoBar />
      {isHelping && <Help what={t.shortcuts.title} onClose={() => setHelping(false)} />}
    </div>
  );
}

function Loading() {
  return (
    <div className={styles.loading}>
      <Skeletons n={1} height={28} />
      <Skeletons n={8} />
    </div>
  );
}

import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { createBrowserRouter, Navigate, RouterProvider } from "react-router";
import { createQueryClient } from "@/api/queries";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";
import { SessionProvider, useMe } from "@/session/session";
import { ThemeProvider } from "@/theme/ThemeProvider";
import { Layout } from "./Layout";
import { landing, ROUTES } from "./pages";

const SignIn = lazy(() => import("@/pages/signin"));

function Landing() {
  const { role, unit_id } = useMe();
  return <Navigate replace to={landing(role, unit_id)} />;
}

function NotFound() {
  const t = useText(common);
  return (
    <Page title={t.product}>
      <EmptyState text={t.problem.notFound} />
    </Page>
  );
}

const router = createBrowserRouter([
  {
    path: "/signin",
    element: (
      <Suspense>
        <SignIn />
      </Suspense>
    ),
  },
  {
    element: <Layout />,
    children: [
      { index: true, element: <Landing /> },
      ...ROUTES.map(({ path, page: Shown }) => ({ path, element: <Shown /> })),
      { path: "*", element: <NotFound /> },
    ],
  },
]);

const queries = createQueryClient();

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <ThemeProvider>
        <SessionProvider>
          <RouterProvider router={router} />
        </SessionProvider>
      </ThemeProvider>
    </QueryClientProvider>
  );
}

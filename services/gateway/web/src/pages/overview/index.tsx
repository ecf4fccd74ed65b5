import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";

export default function Overview() {
  const t = useText(common);
  return (
    <Page title={t.nav.overview}>
      <EmptyState text={t.empty.yet} />
    </Page>
  );
}

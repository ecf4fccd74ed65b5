import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";

export default function Pop() {
  const t = useText(common);
  return (
    <Page title={t.nav.customer}>
      <EmptyState text={t.empty.yet} />
    </Page>
  );
}

import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import { common, useText } from "@/i18n";

export default function Admin() {
  const t = useText(common);
  return (
    <Page title={t.nav.admin}>
      <EmptyState text={t.empty.yet} />
    </Page>
  );
}

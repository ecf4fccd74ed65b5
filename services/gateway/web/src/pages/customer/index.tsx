import { useParams } from "react-router";
import { Screen } from "@/customers/Screen";

export default function Customer() {
  const { id = "" } = useParams();
  return <Screen key={id} id={id} />;
}

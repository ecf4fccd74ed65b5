import type { Schema } from "@/api/client";

export type Unit = Schema<"TeamUnit">;
export type Member = Schema<"TeamMember">;
export type TeamRows = Schema<"TeamRows">;
export const SORTS = ["overdue", "open", "load", "customers", "name"] as const;
export type Sort = (typeof SORTS)[number];

export interface UnitNode {
  key: string;
  unit: Unit;
  children: UnitNode[];
}

/** Units as a tree; one whose parent is not among them stands at the top. A ring that BOSS has tied is cut. */
export function treeOf(units: readonly Unit[]): UnitNode[] {
  const nodes = new Map(units.map(unit => [unit.unit_id, { key: unit.unit_id, unit, children: [] } as UnitNode]));
  const roots: UnitNode[] = [];
  for (const node of nodes.values()) {
    const parent = nodes.get(node.unit.parent_id ?? "");
    if (!parent || isAbove(node, parent, nodes)) {
      roots.push(node);
    } else {
      parent.children.push(node);
    }
  }
  return roots;
}

function isAbove(node: UnitNode, below: UnitNode, nodes: ReadonlyMap<string, UnitNode>): boolean {
  const passed = new Set<UnitNode>();
  for (let at: UnitNode | undefined = below; at && !passed.has(at); at = nodes.get(at.unit.parent_id ?? "")) {
    if (at === node) {
      return true;
    }
    passed.add(at);
  }
  return false;
}

/** Those that match, with what is above them. */
export function found(nodes: readonly UnitNode[], text: string): UnitNode[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) {
    return [...nodes];
  }
  return nodes.flatMap(node => {
    const children = found(node.children, text);
    const is = `${node.unit.name ?? ""} ${node.unit.unit_id}`.toLowerCase().includes(wanted);
    return is || children.length > 0 ? [{ ...node, children: is ? node.children : children }] : [];
  });
}

// What can go wrong among nodes that share books. Codes are stable.

/** The shared store may have lost what it acknowledged; until this node has told it again, no new call is taken. */
export class BooksCatchingUpError extends Error {
  readonly code = 'books_catching_up';

  constructor() {
    super('The shared books may have lost writes and are being brought up to date');
  }
}

/** Two running gateways have the same node id: each would take the other's calls for its own. */
export class NodeIdTakenError extends Error {
  readonly code = 'node_id_taken';

  constructor(nodeId: string) {
    super(`another gateway that shares these books runs as node ${nodeId}; give each its own node.id`);
  }
}

import Testing

/// Real clusters: the built binary, real sockets, one PostgreSQL a node. One after the other, since each takes
/// all that a small machine has.
@Suite(.serialized) struct ClusterTests {}

/// One numbered step of the schema. A step that was released never changes: a later one corrects it.
struct Migration: Sendable {
    /// What a step needs to name.
    struct Names: Sendable {
        /// Quoted, as is the rest.
        var schema: String
        /// Where PostgreSQL's extensions live in this database.
        var ltree: String
        var trigram: String
        var cube: String
    }
    /// From 1, without gaps.
    var number: Int
    var name: String
    var sql: @Sendable (Names) -> String

    static let all: [Migration] = [
        .graph, .operations, .models, .node, .views, .agents, .names, .forks, .canonical, .learning,
        .ledger, .patterns, .vectors, .centroids, .charges, .ensembles, .sums,
    ]
}

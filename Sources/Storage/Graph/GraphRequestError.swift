public import Graph
public import Wire

/// Why a question about the graph, or a change of it, cannot be carried out.
public enum GraphRequestError: Error, Equatable, Sendable {
    /// No graph node has this name or id; others that nearly have it.
    case unknownNode(String, similar: [String])
    /// Several graph nodes have this name.
    case ambiguousNode(String, ids: [TokenID])
    case unknownAgent(String, known: [String])
    case agentExists(String)
    /// A perspective's or an association's weight is not a number in -1 ... 1.
    case weight(Double)
    /// A text that is to be stored cannot be: what it is, and why.
    case text(String, NameFault)
    /// The kind of an agent is none of ``StoredAgent/kinds``.
    case agentKind(String)
    /// The place to go on from is none of this list.
    case place
    case graph(GraphError)
    case storage(StorageError)
}

extension GraphRequestError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownNode(let name, _): "nothing in this site's graph is called '\(name)'"
        case .ambiguousNode(let name, let ids): "\(ids.count) graph nodes are called '\(name)'"
        case .unknownAgent(let name, _): "this site has no agent '\(name)'"
        case .agentExists(let name): "this site has an agent '\(name)' already"
        case .weight(let weight): "the weight is \(weight): it must be a number from -1 to 1"
        case .text(let what, let fault): "the \(what) \(fault)"
        case .agentKind(let kind): "an agent cannot be a '\(kind)'"
        case .place: "the place to go on from is none of this list"
        case .graph(let error): "\(error)"
        case .storage(let error): "\(error)"
        }
    }

    /// What can be done about it; nil where the description says it.
    public var remedy: String? {
        switch self {
        case .unknownNode(_, let similar):
            similar.isEmpty
                ? "look for it with `shoal graph search TEXT`"
                : "did you mean \(similar.map { "'\($0)'" }.joined(separator: ", "))?"
        case .ambiguousNode(_, let ids): "name one by its id: \(ids.map(\.hex).joined(separator: ", "))"
        case .unknownAgent(let name, let known):
            known.isEmpty
                ? "add it with `shoal agents add \(name)`"
                : "known agents: \(known.joined(separator: ", ")); or add it with `shoal agents add \(name)`"
        case .agentExists: "choose another name"
        case .agentKind: "use \(StoredAgent.kinds.joined(separator: ", "))"
        case .place: "give the `place` of an item of the page before, as it is"
        case .weight, .text, .graph, .storage: nil
        }
    }
}

/// Runs statements of the database in a function that throws ``GraphRequestError``.
func storing<Success>(_ body: () throws(StorageError) -> Success) throws(GraphRequestError) -> Success {
    do throws(StorageError) {
        return try body()
    } catch {
        throw .storage(error)
    }
}

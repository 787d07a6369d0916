import Graph
import Testing
import Wire

@testable import Storage

@Suite struct AgentTests {
    private let graph: GraphFixture
    private var store: GraphStore { graph.store }

    init() throws {
        graph = try GraphFixture()
        try graph.add("aspirin\ttreats\tpain\naspirin\ttreats\tfever\n")
        _ = try graph.store.addAgent("anna")
    }

    @Test func `agents are listed by name with what they hold`() throws {
        let bot = try store.addAgent("bot", kind: "llm", model: "small")
        _ = try store.setPerspective(of: "anna", on: "pain", weight: -0.5, context: nil, reasoning: nil)
        #expect(
            try store.agents() == [
                StoredAgent(name: "anna", kind: "human", model: nil, perspectives: 1, associations: 0), bot,
            ])
        try store.removeAgent("anna")
        #expect(try store.agents() == [bot])
        #expect(try store.perspectives().isEmpty, "an agent takes its views along")
    }

    @Test func `agents that cannot be are refused`() throws {
        #expect(requestError { try store.addAgent("anna") } == .agentExists("anna"))
        #expect(requestError { try store.addAgent("x", kind: "robot") } == .agentKind("robot"))
        #expect(requestError { try store.addAgent("") } == .text("name of the agent", .empty))
        #expect(requestError { try store.addAgent("a\0b") } == .text("name of the agent", .containsNUL(at: 1)))
        #expect(requestError { try store.removeAgent("ann") } == .unknownAgent("ann", known: ["anna"]))
    }

    @Test func `a second weight in the same context replaces the first, without a context too`() throws {
        for weight in [0.5, -1] {
            _ = try store.setPerspective(of: "anna", on: "pain", weight: weight, context: nil, reasoning: "r")
            _ = try store.setPerspective(
                of: "anna", on: "pain", weight: weight / 2, context: "aspirin", reasoning: nil)
        }
        let held = try store.perspectives(of: "anna", on: "pain")
        #expect(held.map(\.weight) == [-1, -0.5])
        #expect(held.map(\.context?.name) == [nil, "aspirin"])
        #expect(held.map(\.reasoning) == ["r", nil])
        #expect(
            try store.perspectiveEntries(of: "anna") == [
                PerspectiveEntry(node: try graph.id("pain"), context: nil, weight: -1),
                PerspectiveEntry(node: try graph.id("pain"), context: try graph.id("aspirin"), weight: -0.5),
            ])
        #expect(try store.removePerspectives(of: "anna", on: "pain", context: "aspirin") == 1)
        #expect(try store.removePerspectives(of: "anna", on: "pain", context: nil) == 1)
        #expect(try store.removePerspectives(of: "anna", on: "pain", context: nil) == 0)
    }

    @Test(arguments: [1.1, -1.0001, .nan, .infinity]) func `a weight out of range is refused`(weight: Double) throws {
        let perspective = requestError {
            try store.setPerspective(of: "anna", on: "pain", weight: weight, context: nil, reasoning: nil)
        }
        let association = requestError {
            try store.setAssociation(
                of: "anna", from: "pain", relation: "relevant_to", to: "fever", weight: weight, reasoning: nil)
        }
        for error in [perspective, association] {
            guard case .weight = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        // The table refuses it too, NaN included: PostgreSQL orders it above all numbers.
        #expect(
            storageError {
                try store.connection.query(
                    "INSERT INTO \(store.schema).perspectives (agent_id, node_id, weight) VALUES (1, $1, $2)",
                    [.uuid(try graph.id("pain").rawValue), .double(weight)])
            }?.reason == .constraint)
    }

    @Test func `an unknown graph node or agent is told with what is near`() throws {
        #expect(
            requestError {
                try store.setPerspective(of: "anna", on: "asprin", weight: 0, context: nil, reasoning: nil)
            } == .unknownNode("asprin", similar: ["aspirin"]))
        #expect(
            requestError {
                try store.setPerspective(of: "bob", on: "pain", weight: 0, context: nil, reasoning: nil)
            } == .unknownAgent("bob", known: ["anna"]))
        #expect(requestError { try store.resolve("a\0") } == .text("name", .containsNUL(at: 1)))
        #expect(requestError { try store.resolve("") } == .text("name", .empty))
        #expect(try store.resolve(graph.id("pain").hex).name == "pain")
        #expect(try store.perspectives(on: "fever").isEmpty)
    }

    @Test func `associations link two graph nodes in the eyes of one agent`() throws {
        _ = try store.addAgent("bob")
        _ = try store.setAssociation(
            of: "anna", from: "pain", relation: "contradicts", to: "fever", weight: 0.25, reasoning: "seen twice")
        let changed = try store.setAssociation(
            of: "anna", from: "pain", relation: "contradicts", to: "fever", weight: -0.75, reasoning: nil)
        _ = try store.setAssociation(
            of: "bob", from: "fever", relation: "relevant_to", to: "aspirin", weight: 1, reasoning: nil)
        #expect(try store.associations(of: "anna") == [changed])
        #expect(try store.associations(touching: "fever").map(\.agent) == ["bob", "anna"], "strongest first")
        #expect(try store.associations(touching: "aspirin").map(\.source.name) == ["fever"])
        let unique = "SELECT count(*) FROM \(store.schema).unique_associations"
        #expect(try store.connection.row(unique).int(0) == 2)
        #expect(
            try store.removeAssociations(of: "anna", from: "pain", relation: "relevant_to", to: "fever") == 0)
        #expect(try store.removeAssociations(of: "anna", from: "pain", relation: nil, to: "fever") == 1)
        #expect(
            requestError {
                try store.setAssociation(
                    of: "anna", from: "pain", relation: "", to: "fever", weight: 0, reasoning: nil)
            } == .text("relation", .empty))
    }

    @Test func `the consensus of agents is a view`() throws {
        _ = try store.addAgent("bob")
        for (agent, weight) in [("anna", 1.0), ("bob", 0.0)] {
            _ = try store.setPerspective(of: agent, on: "pain", weight: weight, context: nil, reasoning: nil)
        }
        let row = try store.connection.row(
            "SELECT agents, average, lowest, highest, deviation FROM \(store.schema).consensus_perspectives")
        #expect(try row.int(0) == 2)
        #expect(try (1...4).map { try row.double($0) } == [0.5, 0, 1, 0.5])
    }

    @Test func `a scope has the graph nodes at a path and below it`() throws {
        try graph.place("docs", below: nil, at: "docs")
        try graph.place("guide", below: "docs", at: "docs.guide")
        try graph.place("intro", below: "guide", at: "docs.guide.intro")
        try graph.place("docsish", below: nil, at: "docsish")
        #expect(
            try store.nodes(in: PathScope("docs.guide")) == [try graph.id("guide"), try graph.id("intro")])
        #expect(try store.nodes(in: PathScope("docs")).count == 3, "labels match whole")
        #expect(try store.nodes(in: PathScope("nowhere")).isEmpty)
        let links = try store.load().links
        #expect(Set(links.map(\.child)) == [try graph.id("guide"), try graph.id("intro")])
        #expect(links.allSatisfy { $0.position == 0 })
    }
}

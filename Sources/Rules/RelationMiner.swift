internal import Wire

/// Finds the rules that conclude one relation, in steps: an anytime algorithm in the manner of AnyBURL (Meilicke,
/// Chekol, Ruffinelli, Stuckenschmidt: Anytime Bottom-Up Rule Learning, IJCAI 2019; Reinforced Anytime Bottom Up Rule
/// Learning, 2020).
///
/// Like AnyBURL it begins at a triple that is known and generalises what stands around it. Unlike AnyBURL, which walks at
/// random, it counts in whole what is cheap:
///
/// * step 0, rules with a constant: for each c all X with h(X,c), and everything those X have in common;
/// * step 1, paths of one and two steps: from both ends of each triple at once, where the ends' links meet;
/// * later steps, paths of three: a random step from X, then both ends as before. A candidate is counted once.
///
/// The same seed and number of steps give the same rules, on any machine and in any order of relations.
public struct RelationMiner: Sendable {
    public let relation: Int32
    /// Steps so far.
    public private(set) var steps = 0
    /// What was found so far, best first.
    public private(set) var paths: [MinedRule] = []
    public private(set) var constants: [MinedRule] = []

    private let graph: RuleGraph
    private let options: MiningOptions
    private var random: Random
    private var tried: Set<Rule> = []
    /// Triples of the relation.
    private let triples: [(x: Int32, y: Int32)]

    /// - Parameter relation: the forward relation to conclude, 0 ..< R.
    public init(_ graph: RuleGraph, relation: Int32, _ options: MiningOptions = MiningOptions(), seed: UInt64) {
        self.graph = graph
        self.relation = relation
        self.options = options
        random = Random(seed: seed ^ UInt64(relation + 1) &* 0x9E37_79B9_7F4A_7C15)
        var triples: [(x: Int32, y: Int32)] = []
        for at in graph.sourceRange(relation) {
            let x = graph.sources[at]
            for at in graph.members(ofGroup: Int(graph.sourceGroup[at])) where graph.neighbours[at] != x {
                triples.append((x, graph.neighbours[at]))
            }
        }
        random.shuffle(&triples)
        self.triples = triples
    }

    /// Whether nothing is left that a further step could find: only long paths have no end.
    public var isExhausted: Bool { steps >= 2 && (options.longest < 3 || triples.isEmpty) }

    public var rules: [MinedRule] { paths + constants }

    /// One step more.
    public mutating func advance(_ memory: inout MiningMemory) {
        switch steps {
        case 0: mineConstants(&memory)
        case 1: mineShortPaths(&memory)
        default: if options.longest > 2 { mineLongPaths(&memory) }
        }
        steps += 1
    }

    // MARK: Rules with a constant

    private mutating func mineConstants(_ memory: inout MiningMemory) {
        for head in [relation, graph.inverse(of: relation)] {
            let towards = graph.inverse(of: head)
            for at in graph.sourceRange(towards) {
                let found = common(
                    head: head, concluded: graph.sources[at],
                    holders: graph.members(ofGroup: Int(graph.sourceGroup[at])), &memory)
                constants += found.sorted(by: MinedRule.isBetter).prefix(options.rulesPerConstant)
            }
        }
        constants.sort(by: MinedRule.isBetter)
    }

    /// What those that have h(X,c) have in common: for each (b, k) and each b how many of them.
    private func common(
        head: Int32, concluded: Int32, holders: Range<Int>, _ memory: inout MiningMemory
    ) -> [MinedRule] {
        guard holders.count >= options.minSupport else { return [] }
        for at in holders {
            let x = graph.neighbours[at]
            for group in graph.groups(of: x) {
                memory.relations.count(Int(graph.groupRelation[group]))
                for at in graph.members(ofGroup: group) { memory.groups.count(Int(graph.mirror[at])) }
            }
        }
        var found: [MinedRule] = []
        func keep(_ rule: Rule, body: Int, support: Int) {
            let counts = RuleCounts(body: body, support: support)
            if counts.confidence >= options.minConstantConfidence { found.append(MinedRule(rule, counts)) }
        }
        memory.groups.drain { group, support in
            guard support >= options.minSupport else { return }
            // The group of k along b⁻¹: exactly those X that have b(X,k).
            let (known, body) = (graph.groupNode[group], graph.inverse(of: graph.groupRelation[group]))
            guard body != head || known != concluded else { return }
            keep(
                Rule(head: head, concluded: concluded, body: body, known: known),
                body: graph.members(ofGroup: group).count, support: support)
        }
        memory.relations.drain { body, support in
            guard support >= options.minSupport, Int32(body) != head else { return }
            keep(
                Rule(head: head, concluded: concluded, body: Int32(body), known: nil),
                body: graph.sourceRange(Int32(body)).count, support: support)
        }
        return found
    }

    // MARK: Paths

    private mutating func mineShortPaths(_ memory: inout MiningMemory) {
        var counts = Tally<Rule>()
        for (at, triple) in triples.prefix(options.triplesPerRelation).enumerated() {
            meeting(triple.x, triple.y) { step, middle in
                let rule =
                    middle.map { Rule(path: relation, $0, step) } ?? Rule(path: relation, step)
                counts.count(rule, turn: at)
            }
        }
        measure(counts.frequent(least: options.minSupport).prefix(options.candidatesPerRelation), &memory)
    }

    private mutating func mineLongPaths(_ memory: inout MiningMemory) {
        guard !triples.isEmpty else { return }
        var counts = Tally<Rule>()
        for turn in 0..<options.triplesPerStep {
            let (x, y) = triples[random.below(triples.count)]
            // A relation first, then an edge: else hubs would be all that is seen.
            let groups = graph.groups(of: x)
            let group = groups.lowerBound + random.below(groups.count)
            let members = graph.members(ofGroup: group)
            let a = graph.neighbours[members.lowerBound + random.below(members.count)]
            guard a != x, a != y else { continue }
            let first = graph.groupRelation[group]
            meeting(a, y, without: x) { last, middle in
                if let middle { counts.count(Rule(path: relation, first, middle, last), turn: turn) }
            }
        }
        measure(counts.frequent(least: 1).prefix(options.candidatesPerStep), &memory)
    }

    /// Counts what was not counted before, and keeps what is good.
    private mutating func measure(_ candidates: some Sequence<Rule>, _ memory: inout MiningMemory) {
        let seed = random.next()
        var isNew = false
        for rule in candidates where tried.insert(rule).inserted {
            let counts = memory.measure.counts(rule, options.limits, seed: seed)
            guard counts.support >= options.minSupport, counts.confidence >= options.minPathConfidence else { continue }
            paths.append(MinedRule(rule, counts))
            isNew = true
        }
        guard isNew else { return }
        paths.sort(by: MinedRule.isBetter)
        paths.removeLast(max(0, paths.count - options.pathsPerRelation))
    }

    /// Where the links of `x` and `y` meet: relations from x to y (no middle), and pairs of relations by way of one graph
    /// node. The triple's own relation from x to y is left out.
    private func meeting(
        _ x: Int32, _ y: Int32, without excluded: Int32 = -1, _ found: (_ last: Int32, _ middle: Int32?) -> Void
    ) {
        let (mine, theirs) = (graph.links(of: x), graph.links(of: y))
        // The shorter list is read, the longer one searched.
        let isMine = mine.count <= theirs.count
        var (short, long) = isMine ? (mine, theirs) : (theirs, mine)
        if short.count > options.linksAtOnce { short = short.prefix(options.linksAtOnce) }
        var at = short.lowerBound
        while at < short.upperBound {
            let node = graph.linkNode[at]
            var end = at + 1
            while end < short.upperBound, graph.linkNode[end] == node { end += 1 }
            defer { at = end }
            if node == (isMine ? y : x) {
                for position in at..<end {
                    let relation = graph.linkRelation[position]
                    let directed = isMine ? relation : graph.inverse(of: relation)
                    if directed != self.relation { found(directed, nil) }
                }
                continue
            }
            if node == x || node == y || node == excluded { continue }
            var other = long.partitioningIndex { graph.linkNode[$0] >= node }
            long = other..<long.upperBound
            while other < long.upperBound, graph.linkNode[other] == node {
                for position in at..<end {
                    let (near, far) =
                        isMine
                        ? (graph.linkRelation[position], graph.linkRelation[other])
                        : (graph.linkRelation[other], graph.linkRelation[position])
                    found(graph.inverse(of: far), near)
                }
                other += 1
            }
        }
    }
}

/// Scratch memory of a thread that mines: 4 bytes a graph node, 4 a group of edges.
public struct MiningMemory: Sendable {
    var measure: RuleMeasure
    var groups: Counter
    var relations: Counter

    public init(_ graph: RuleGraph) {
        measure = RuleMeasure(graph)
        groups = Counter(graph.groupNode.count)
        relations = Counter(graph.directedCount)
    }
}

/// Counts of numbers below a bound; forgets in the time that counting took.
struct Counter: Sendable {
    private var counts: [Int32]
    private var touched: [Int32] = []

    init(_ bound: Int) { counts = [Int32](repeating: 0, count: bound) }

    @inline(__always)
    mutating func count(_ number: Int) {
        if counts[number] == 0 { touched.append(Int32(number)) }
        counts[number] += 1
    }

    /// Hands out each number with its count, in the order of first mention, and forgets all.
    mutating func drain(_ body: (Int, Int) -> Void) {
        for number in touched {
            body(Int(number), Int(counts[Int(number)]))
            counts[Int(number)] = 0
        }
        touched.removeAll(keepingCapacity: true)
    }
}

/// How often something was seen, once a turn at most.
struct Tally<Key: Hashable & Comparable> {
    private var counts: [Key: (count: Int32, turn: Int32)] = [:]

    mutating func count(_ key: Key, turn: Int) {
        let turn = Int32(turn)
        let old = counts[key] ?? (0, -1)
        if old.turn != turn { counts[key] = (old.count + 1, turn) }
    }

    /// Most frequent first, ties by key: never in the order of the dictionary.
    func frequent(least: Int) -> [Key] {
        counts.filter { $0.value.count >= least }
            .sorted { $0.value.count != $1.value.count ? $0.value.count > $1.value.count : $0.key < $1.key }
            .map(\.key)
    }
}

/// The texts by which graph nodes were called: link texts, and queries that ended in a selection.
///
/// A phrase is a set of words (lexemes); their order and number do not count. Graph nodes are token indices of the
/// site's vocabulary.
public struct PhraseIndex: Sendable, Equatable {
    /// Where a phrase stood and where it led.
    public struct Use: Sendable, Equatable {
        /// The document that held it; -1 for none.
        public var source: Int32
        public var target: Int32
        public var count: Double

        public init(source: Int32, target: Int32, count: Double = 1) {
            self.source = source
            self.target = target
            self.count = count
        }
    }

    /// A link that is to be found again: what it says itself must not help.
    public struct Exclusion: Sendable, Equatable {
        public var source: Int32
        public var target: Int32

        public init(source: Int32, target: Int32) {
            self.source = source
            self.target = target
        }

        func covers(_ use: Use) -> Bool { use.source == source && use.target == target }
    }

    /// What the phrases say about one graph node.
    public struct Match: Sendable, Equatable {
        public var target: Int32
        /// Of all uses of exactly these words, the share that led here; shrunk by one use that led elsewhere.
        public var called: Double
        /// Likeness of the most similar phrase that led here, 0...1.
        public var like: Double
    }

    private var numbers: [[String]: Int32] = [:]
    private var phrases: [[String]] = []
    private var uses: [[Use]] = []
    private var phrasesByWord: [String: [Int32]] = [:]

    /// Words in more phrases than this tell too little to look all of them up.
    static let maxPhrasesPerWord = 2_000

    public init() {}

    public var phraseCount: Int { phrases.count }

    /// Records a use; a phrase without words is ignored.
    public mutating func add(_ words: [String], _ use: Use) {
        let phrase = Self.canonical(words)
        guard !phrase.isEmpty else { return }
        let number: Int32
        if let known = numbers[phrase] {
            number = known
        } else {
            number = Int32(phrases.count)
            numbers[phrase] = number
            phrases.append(phrase)
            uses.append([])
            for word in phrase { phrasesByWord[word, default: []].append(number) }
        }
        let at = Int(number)
        if let same = uses[at].firstIndex(where: { $0.source == use.source && $0.target == use.target }) {
            uses[at][same].count += use.count
        } else {
            uses[at].append(use)
        }
    }

    /// What is known of a query's words, by target, ascending.
    ///
    /// Likeness of two phrases = idf of the words they share / idf of all their words, idf counted over phrases.
    public func matches(_ words: [String], excluding: Exclusion? = nil) -> [Match] {
        let query = Self.canonical(words)
        guard !query.isEmpty else { return [] }
        let excluded: (Use) -> Bool = { use in excluding?.covers(use) ?? false }
        var found: [Int32: Match] = [:]
        if let number = numbers[query] {
            let counted = uses[Int(number)].filter { !excluded($0) }
            let total = counted.reduce(0) { $0 + $1.count }
            for use in counted {
                found[use.target, default: Match(target: use.target, called: 0, like: 1)].called +=
                    use.count / (total + 1)
            }
        }
        for number in phrases(sharing: query) {
            let like = likeness(query, phrases[Int(number)])
            for use in uses[Int(number)] where !excluded(use) {
                let known = found[use.target]?.like ?? 0
                if like > known {
                    found[use.target, default: Match(target: use.target, called: 0, like: 0)].like = like
                }
            }
        }
        return found.values.sorted { $0.target < $1.target }
    }

    private func phrases(sharing words: [String]) -> [Int32] {
        var numbers: Set<Int32> = []
        for word in words {
            guard let all = phrasesByWord[word], all.count <= Self.maxPhrasesPerWord else { continue }
            numbers.formUnion(all)
        }
        return numbers.sorted()
    }

    /// Both ascend.
    private func likeness(_ one: [String], _ other: [String]) -> Double {
        var (i, j, shared, all) = (0, 0, 0.0, 0.0)
        while i < one.count || j < other.count {
            if j == other.count || (i < one.count && one[i] < other[j]) {
                all += idf(one[i])
                i += 1
            } else if i == one.count || other[j] < one[i] {
                all += idf(other[j])
                j += 1
            } else {
                shared += idf(one[i])
                all += idf(one[i])
                (i, j) = (i + 1, j + 1)
            }
        }
        return shared / all
    }

    private func idf(_ word: String) -> Double {
        let count = Double(phrasesByWord[word]?.count ?? 0)
        return logarithm(1 + (Double(phrases.count) + 0.5) / (count + 0.5))
    }

    private static func canonical(_ words: [String]) -> [String] { Set(words).sorted() }
}

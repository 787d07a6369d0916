import Search
import Testing

@Suite struct PhraseIndexTests {
    private var index: PhraseIndex {
        var index = PhraseIndex()
        index.add(["place", "express"], .init(source: 1, target: 10))
        index.add(["express", "place"], .init(source: 2, target: 10))
        index.add(["place", "express"], .init(source: 3, target: 11))
        index.add(["express"], .init(source: 3, target: 12))
        index.add([], .init(source: 3, target: 13))
        return index
    }

    @Test func `the order and number of words do not count`() {
        #expect(index.phraseCount == 2)
        #expect(index.matches(["express", "place", "place"]) == index.matches(["place", "express"]))
    }

    @Test func `what the same words led to is shared out, with one use in reserve`() {
        let found = index.matches(["place", "express"])
        #expect(found.map(\.target) == [10, 11, 12])
        #expect(found.map(\.called) == [0.5, 0.25, 0])
        #expect(found[0].like == 1 && found[1].like == 1 && found[2].like > 0 && found[2].like < 1)
    }

    @Test func `a link does not help to find itself`() {
        let found = index.matches(["place", "express"], excluding: .init(source: 3, target: 11))
        #expect(found.map(\.target) == [10, 12])
        #expect(found[0].called == 2.0 / 3)
        #expect(index.matches(["express"], excluding: .init(source: 3, target: 12)).map(\.target) == [10, 11])
    }

    @Test func `a rare word that is shared counts more than a frequent one`() {
        var index = PhraseIndex()
        for target in 0..<20 { index.add(["type", "word\(target)"], .init(source: 0, target: Int32(target))) }
        let found = index.matches(["type", "word7", "extra"])
        let best = found.max { $0.like < $1.like }
        #expect(best?.target == 7)
        #expect(found.filter { $0.target != 7 }.allSatisfy { $0.like < best!.like / 2 })
    }

    @Test func `words that nobody used find nothing`() {
        #expect(index.matches(["unheard"]).isEmpty)
        #expect(index.matches([]).isEmpty)
        #expect(PhraseIndex().matches(["place"]).isEmpty)
    }
}

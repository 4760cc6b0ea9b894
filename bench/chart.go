package main

import (
	"fmt"
	"math"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartWidth  = 760
	panelHeight = 150
	panelGap    = 46
	chartLeft   = 70
	chartRight  = 24
	chartTop    = 58
)

// panel is one value over the number of contacts.
type panel struct {
	title string
	of    func(point) float64
}

var panels = []panel{
	{"adds a second", func(p point) float64 { return p.Rate }},
	{"p99 of an add, ms", func(p point) float64 { return p.P99 }},
	{"database, MB", func(p point) float64 { return p.FileMB }},
}

// chart draws histories as an SVG that reads on light and dark pages alike.
func chart(all []growth, conns int) string {
	var b strings.Builder
	height := chartTop + len(panels)*(panelHeight+panelGap)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12">
<style>
  .back { fill: #ffffff } .text { fill: #24292f } .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round }
  .s0 { stroke: #0969da } .s1 { stroke: #bc4c00 } .f0 { fill: #0969da } .f1 { fill: #bc4c00 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .text { fill: #e6edf3 } .grid { stroke: #30363d }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .f0 { fill: #58a6ff } .f1 { fill: #f0883e }
  }
</style>
<rect class="back" width="100%%" height="100%%"/>
<text class="text" x="%d" y="22" font-size="14" font-weight="600">A book that grows by adds through HTTP, %d connections, %d tenants</text>
`, chartWidth, height, chartLeft, conns, tenants)
	x := chartLeft
	for i, g := range all {
		fmt.Fprintf(&b, `<rect class="f%d" x="%d" y="34" width="12" height="12"/><text class="text" x="%d" y="44">%s</text>`+"\n", i%2, x, x+18, g.Subject)
		x += 190
	}
	most := 1.0
	for _, g := range all {
		for _, p := range g.Points {
			most = max(most, float64(p.Rows))
		}
	}
	for i, p := range panels {
		drawPanel(&b, p, all, chartTop+20+i*(panelHeight+panelGap), ticks(most))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func drawPanel(b *strings.Builder, p panel, all []growth, top int, across []float64) {
	most := 0.0
	for _, g := range all {
		for _, at := range g.Points {
			most = max(most, p.of(at))
		}
	}
	up := ticks(most)
	const width = chartWidth - chartLeft - chartRight
	x := func(v float64) float64 { return chartLeft + width*v/across[len(across)-1] }
	y := func(v float64) float64 { return float64(top) + panelHeight*(1-v/up[len(up)-1]) }
	fmt.Fprintf(b, `<text class="text" x="%d" y="%d" font-weight="600">%s</text>`+"\n", chartLeft, top-8, p.title)
	for _, v := range up {
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="text" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			chartLeft, chartWidth-chartRight, y(v), y(v), chartLeft-8, y(v)+4, short(v))
	}
	for _, v := range across {
		fmt.Fprintf(b, `<text class="text" x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(v), top+panelHeight+16, short(v))
	}
	for i, g := range all {
		var line strings.Builder
		for _, at := range g.Points {
			fmt.Fprintf(&line, "%.1f,%.1f ", x(float64(at.Rows)), y(p.of(at)))
		}
		fmt.Fprintf(b, `<polyline class="line s%d" points="%s"/>`+"\n", i%2, strings.TrimSpace(line.String()))
	}
}

// ticks are round numbers from 0 to at least most, four to six of them.
func ticks(most float64) []float64 {
	if most <= 0 {
		most = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(most/4)))
	for _, times := range []float64{1, 2, 2.5, 5, 10} {
		if most/(step*times) <= 5 {
			step *= times
			break
		}
	}
	all := []float64{0}
	for v := step; ; v += step {
		all = append(all, v)
		if v >= most {
			return all
		}
	}
}

// short writes 200000 as 200k.
func short(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3gk", v/1e3)
	}
	return fmt.Sprintf("%.4g", v)
}

"use strict";
// What the page's layers share. Every text in a feature's properties was made safe before it came here.
const sweepmap = {
  tip(feature, layer) {
    if (feature.properties.tip) {
      layer.bindTooltip(feature.properties.tip, {className: "tip", sticky: !(layer instanceof L.Marker)});
    }
  },

  point(feature, latlng) {
    const {html, size, front, tip, pane} = feature.properties;
    if (html === undefined) {
      return L.circleMarker(latlng, {pane});
    }
    const icon = L.divIcon({className: "mark", html, iconSize: [size, size]});
    return L.marker(latlng, {icon, pane, interactive: Boolean(tip), keyboard: Boolean(tip), zIndexOffset: 1e4 * (front || 0)});
  },

  // The finest division of which no more than `most` are in sight, and of it what is in sight.
  divided(divisions, most, drawn) {
    const boxes = divisions.map((features) => features.map(({geometry}) => {
      const flat = geometry.coordinates.flat(Infinity);
      const corner = (pick) => [1, 0].map((axis) => pick(flat.filter((_, k) => k % 2 === axis)));
      return L.latLngBounds(corner((all) => Math.min(...all)), corner((all) => Math.max(...all)));
    }));
    const group = L.layerGroup();
    let there = "";
    const sift = () => {
      const sight = group._map.getBounds();
      let level = -1, seen;
      do {
        level += 1;
        seen = [...boxes[level].keys()].filter((k) => sight.intersects(boxes[level][k]));
      } while (seen.length > most && level + 1 < divisions.length);
      const now = `${level} ${seen}`;
      if (now !== there) {
        there = now;
        group.clearLayers().addLayer(drawn(seen.map((k) => divisions[level][k])));
      }
    };
    return L.Util.extend(group, {
      onAdd(map) {
        L.LayerGroup.prototype.onAdd.call(group, map);
        map.on("moveend", sift);
        sift();
      },
      onRemove(map) {
        map.off("moveend", sift);
        L.LayerGroup.prototype.onRemove.call(group, map);
      },
    });
  },

  // Street names stand on the map only where they can be read, and only those in sight.
  name(map, names) {
    const shown = L.layerGroup().addTo(map);
    const place = () => {
      shown.clearLayers();
      if (map.getZoom() < 16) {
        return;
      }
      const sight = map.getBounds();
      for (const [lat, lon, turn, name] of names) {
        if (sight.contains([lat, lon])) {
          const html = `<span class="name" style="transform:rotate(${turn}deg) translateY(-9px)">${name}</span>`;
          const icon = L.divIcon({className: "mark", html, iconSize: [0, 0]});
          L.marker([lat, lon], {icon, pane: "names", interactive: false, keyboard: false}).addTo(shown);
        }
      }
    };
    map.on("moveend", place);
    place();
  },

  furnish(map, layers, {bounds, attribution, names}) {
    const panel = document.getElementById("panel");
    const wide = window.innerWidth > 700;
    L.DomEvent.disableClickPropagation(panel);
    L.DomEvent.disableScrollPropagation(panel);
    panel.querySelector(".layers").appendChild(layers.getContainer());
    panel.querySelector("details").open = wide;
    map.attributionControl.setPrefix(false);
    if (attribution) {
      map.attributionControl.addAttribution(attribution);
    }
    L.control.scale({position: "bottomright"}).addTo(map);
    const far = () => {
      map.getContainer().classList.toggle("far", map.getZoom() < 15.5);
      map.getContainer().classList.toggle("farther", map.getZoom() < 13);
    };
    map.on("zoomend", far);
    const gap = wide ? [panel.offsetWidth + 24, 16] : [12, panel.offsetHeight + 24];
    map.fitBounds(bounds, {paddingTopLeft: gap, paddingBottomRight: [16, 28], maxZoom: 17, animate: false});
    far();
    sweepmap.name(map, names);
  },
};

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

  furnish(map, layers, {bounds, attribution}) {
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
    L.control.scale({position: "bottomleft"}).addTo(map);
    const far = () => {
      map.getContainer().classList.toggle("far", map.getZoom() < 15.5);
      map.getContainer().classList.toggle("farther", map.getZoom() < 13);
    };
    map.on("zoomend", far);
    const gap = wide ? [panel.offsetWidth + 24, 16] : [12, panel.offsetHeight + 24];
    map.fitBounds(bounds, {paddingTopLeft: gap, paddingBottomRight: [16, 28], maxZoom: 17, animate: false});
    far();
  },
};
